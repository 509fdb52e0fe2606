{{ config(materialized='incremental', unique_key='id', incremental_strategy='merge') }}
select id, name, {{ var('round', 1) }} as round from {{ ref('fruits') }}
{% if is_incremental() %} where id > 1 {% endif %}
