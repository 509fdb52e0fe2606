"""A plugin of pytest: dbt looks the whole stack through for the name of the module that asks for a behaviour flag, which a warning
shows. Below pytest that takes nine tenths of the suite's time; here it is told the name."""

from dbt_common.behavior_flags import BehaviorFlagRendered

BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt.adapters.databricks.impl")
