module judge

go 1.22

require github.com/databricks/databricks-sql-go v1.10.0
