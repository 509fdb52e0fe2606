{% snapshot prices %}
{{ config(target_schema='dbt_judge', unique_key='id', strategy='check', check_cols=['price']) }}
select id, price + {{ var('round', 1) }} as price from {{ ref('fruits') }}
{% endsnapshot %}
