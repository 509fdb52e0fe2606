"""Keeps a model warm: questions come in as JSON lines, answers go out as JSON lines."""

import concurrent.futures
import importlib.util
import inspect
import json
import os
import sys
import threading
import traceback

# What the model prints must not get between the answers.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
writing = threading.Lock()


def plain(value):
    """Turns what numbers' libraries return into plain JSON values."""
    if hasattr(value, "to_frame"):  # a column of a data frame becomes records, as MLflow's scoring server has it
        value = value.to_frame()
    for name in ("to_dict", "model_dump", "tolist", "item"):
        convert = getattr(value, name, None)
        if callable(convert):
            return convert(orient="records") if name == "to_dict" and hasattr(value, "columns") else convert()
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def send(identity, kind, value=None):
    line = json.dumps({"id": identity, "kind": kind, "value": value}, default=plain)
    with writing:
        answers.write(line + "\n")
        answers.flush()


def load_mlflow(path):
    """A model that MLflow saved: data frames and named inputs in the forms of its scoring server, the rest as it is."""
    import mlflow.pyfunc
    import pandas

    model = mlflow.pyfunc.load_model(path)

    def predict(request):
        if request.get("stream") and hasattr(model, "predict_stream"):
            return model.predict_stream({name: value for name, value in request.items() if name != "stream"})
        params = request.get("params")
        if "dataframe_split" in request:
            split = request["dataframe_split"]
            data = pandas.DataFrame(split["data"], columns=split.get("columns"), index=split.get("index"))
        elif "dataframe_records" in request:
            data = pandas.DataFrame(request["dataframe_records"])
        elif "inputs" in request:
            data = request["inputs"]
        elif "instances" in request:
            data = request["instances"]
        else:
            return model.predict({name: value for name, value in request.items() if name != "stream"})
        return {"predictions": model.predict(data, params=params) if params else model.predict(data)}

    return predict


def load(path):
    if os.path.isdir(path):
        return load_mlflow(path)
    spec = importlib.util.spec_from_file_location("served_model", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["served_model"] = module
    sys.path.insert(0, os.path.dirname(path))
    spec.loader.exec_module(module)
    if not callable(getattr(module, "predict", None)):
        raise AttributeError(f"{path} has no function `predict`")
    return module.predict


def last_line(error):
    return "".join(traceback.format_exception_only(error)).strip()


def answer(predict, question):
    identity = question["id"]
    try:
        result = predict(question["body"])
        if inspect.isgenerator(result):
            for piece in result:
                send(identity, "piece", piece)
            send(identity, "end")
        else:
            send(identity, "answer", result)
    except BaseException as error:
        traceback.print_exc()
        send(identity, "error", last_line(error))


def main():
    try:
        predict = load(sys.argv[1])
    except BaseException as error:
        traceback.print_exc()
        send(0, "error", last_line(error))
        return 1
    send(0, "ready")
    with concurrent.futures.ThreadPoolExecutor(max_workers=16) as pool:
        for line in sys.stdin:
            pool.submit(answer, predict, json.loads(line))
    return 0


sys.exit(main())
