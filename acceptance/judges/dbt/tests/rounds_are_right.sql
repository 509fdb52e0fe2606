-- After two rounds: fruit 1 is of the first, the others of the second; every row was appended twice; two versions of a price.
select 'merge' as what from {{ ref('grown') }} where round <> case when id = 1 then 1 else {{ var('round', 1) }} end
union all
select 'append' from {{ ref('appended') }} having count(*) <> 3 * {{ var('round', 1) }}
union all
select 'snapshot' from {{ ref('prices') }} having count(*) <> 3 * {{ var('round', 1) }}
