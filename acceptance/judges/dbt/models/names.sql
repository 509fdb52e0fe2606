{{ config(materialized='view') }}
select upper(name) as name from {{ ref('cheap') }}
