#!/usr/bin/env bash
# spark/judge.sh ENVIRONMENT BRICKYARD HERE: Apache Spark with Delta as the engine behind the warehouse.
set -euo pipefail
environment=$1 brickyard=$2 here=$3
export SPARK_LOCAL_IP=127.0.0.1
port=$((20000 + RANDOM % 20000))
spark=$("$environment/bin/python" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')
SPARK_HOME=$spark "$spark/bin/spark-submit" --class org.apache.spark.sql.connect.service.SparkConnectServer \
  --packages "${DELTA:-io.delta:delta-spark_4.1_2.13:4.1.0}" --master 'local[2]' --driver-memory 2g \
  --conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension \
  --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog \
  --conf spark.connect.grpc.binding.address=127.0.0.1 --conf spark.connect.grpc.binding.port=$port --conf spark.ui.enabled=false \
  --conf spark.sql.shuffle.partitions=2 --conf spark.databricks.delta.snapshotPartitions=2 --conf "spark.sql.warehouse.dir=$STATE/spark" > "$environment.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; pkill -P $server 2>/dev/null || true' EXIT
for _ in $(seq 180); do
  (exec 3<> "/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  kill -0 $server 2>/dev/null || { tail -n 20 "$environment.log"; exit 1; }
  sleep 1
done
"$brickyard" --engine "sc://127.0.0.1:$port" --state-directory "$STATE" exec --app "$here/app" -- \
  python3 "$here/with_token.py" "$environment/bin/python" "$here/spark/judge.py"
