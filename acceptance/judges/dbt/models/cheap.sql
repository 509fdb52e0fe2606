{{ config(materialized='table') }}
select id, name, price from {{ ref('fruits') }} where price < 2
