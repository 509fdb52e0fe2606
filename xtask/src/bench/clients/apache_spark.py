"""The queries of the files named after the folder of tables, by Apache Spark in this process; prints the seconds as JSON."""

import json
import pathlib
import sys
import time

from pyspark.sql import SparkSession

place, *queries = sys.argv[1:]
settings = {"spark.sql.ansi.enabled": "true", "spark.driver.memory": "6g", "spark.ui.enabled": "false"}
builder = SparkSession.builder.master("local[*]")
for name, value in settings.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
for table in pathlib.Path(place).glob("*.parquet"):
    spark.read.parquet(str(table)).createOrReplaceTempView(table.stem)
seconds = []
for query in queries:
    text, took = pathlib.Path(query).read_text(), []
    for _ in range(3):
        start = time.perf_counter()
        spark.sql(text).toArrow()
        took.append(time.perf_counter() - start)
    seconds.append(min(took))
print(json.dumps(sum(seconds)))
