"""Runs one function of Unity Catalog, confined: calls come in as JSON lines, answers go out as JSON lines."""

import ast
import base64
import ctypes
import datetime
import decimal
import json
import os
import resource
import struct
import sys
import textwrap
import traceback

# What the function prints must not get between the answers.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
system = ctypes.CDLL(None, use_errno=True)

# Linux: <linux/sched.h>, <linux/prctl.h>, <linux/landlock.h>.
CLONE_NEWUSER, CLONE_NEWNET, PR_SET_NO_NEW_PRIVS = 0x10000000, 0x40000000, 38
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL = 1, 2, 4, 8, 1 << 14, 1 << 15


def limit(memory):
    """Bounds memory, files and dumps of this process."""
    for kind, most in [
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 64 << 20),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ]:
        try:
            resource.setrlimit(kind, (most, most))
        except (OSError, ValueError):
            pass  # macOS has no bound of addresses


def confine(scratch):
    """Takes away the network and every file that is neither Python's nor in `scratch`, as far as the system can."""
    if not sys.platform.startswith("linux"):
        return
    system.unshare(CLONE_NEWUSER | CLONE_NEWNET)
    version = system.syscall(LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return
    handled = (1 << 13) - 1
    handled |= (1 << 13 if version > 1 else 0) | (TRUNCATE if version > 2 else 0) | (IOCTL if version > 4 else 0)
    # Connections and binding where the system bounds them, signals to nobody else.
    attributes = struct.pack("QQQ", handled, 3 if version > 3 else 0, 3 if version > 5 else 0)
    size = 24 if version > 5 else 16 if version > 3 else 8
    rules = system.syscall(LANDLOCK_CREATE, attributes, size, 0)
    if rules < 0:
        return
    readable = {sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable))}
    readable |= {"/usr", "/lib", "/lib64", "/etc/ssl", "/etc/localtime", "/etc/ld.so.cache", "/dev/urandom", "/dev/null"}
    for path, wanted in [*((path, EXECUTE | READ_FILE | READ_DIR) for path in readable), (scratch, handled)]:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        if not os.path.isdir(path):
            wanted &= EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL
        system.syscall(LANDLOCK_ADD, rules, 1, struct.pack("=Qi", wanted & handled, place), 0)
        os.close(place)
    system.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    system.syscall(LANDLOCK_RESTRICT, rules, 0)
    os.close(rules)


def inward(value, kind):
    """A value of JSON as what the platform hands to a function."""
    if value is None:
        return None
    if isinstance(kind, list):
        if kind[0] == "array":
            return [inward(one, kind[1]) for one in value]
        if kind[0] == "map":
            return {inward(key, kind[1]): inward(one, kind[2]) for key, one in value.items()}
        return {name: inward(value.get(name), field) for name, field in kind[1]}
    match kind:
        case "integer":
            return int(value)
        case "float":
            return float(value)
        case "decimal":
            return decimal.Decimal(str(value))
        case "date":
            return datetime.date.fromisoformat(value)
        case "timestamp":
            return datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        case "binary":
            return base64.b64decode(value)
    return value


def outward(value, kind):
    """What a function gave as JSON that is read by its declared type."""
    if value is None:
        return None
    if hasattr(value, "item") and not isinstance(value, (bytes, str)):
        value = value.item()
    if isinstance(kind, list):
        if kind[0] == "array":
            return [outward(one, kind[1]) for one in value]
        if kind[0] == "map":
            return [[outward(key, kind[1]), outward(one, kind[2])] for key, one in value.items()]
        if isinstance(value, dict):
            return [outward(value.get(name), field) for name, field in kind[1]]
        return [outward(one, field) for one, (_, field) in zip(value, kind[1], strict=True)]
    expected = {"integer": int, "float": (int, float), "boolean": bool, "binary": (bytes, bytearray)}.get(kind)
    if expected and (not isinstance(value, expected) or (kind != "boolean" and isinstance(value, bool))):
        raise TypeError(f"the function returned {type(value).__name__}, not the declared type")
    match kind:
        case "boolean":
            return value
        case "binary":
            return value.hex()
        case "timestamp":
            return value.isoformat(" ") if hasattr(value, "isoformat") else str(value)
        case "float":
            return repr(float(value)).replace("nan", "NaN").replace("inf", "Infinity")
    return str(value)


def compiled(source, name, parameters):
    """The text between the dollars as the body of a function."""
    first, _, rest = source.partition("\n")
    failure = None
    for text in (textwrap.dedent(source), f"{first.strip()}\n{textwrap.dedent(rest)}", source.strip()):
        try:
            body = ast.parse(text).body
            break
        except SyntaxError as error:
            failure = failure or error
    else:
        raise failure
    module = ast.parse(f"def function({', '.join(parameters)}):\n    pass")
    module.body[0].body = body or [ast.Pass()]
    within = {"__name__": name}
    exec(compile(ast.fix_missing_locations(module), name, "exec"), within)
    return within["function"]


def said(error):
    return "".join(traceback.format_exception_only(error)).strip()[:4000]


def send(**answer):
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def main():
    order = json.loads(sys.stdin.readline())
    try:
        limit(order["memory"])
        confine(os.getcwd())
        function = compiled(order["source"], order["name"], order["parameters"])
    except BaseException as error:
        return send(error=said(error))
    send(value=None)
    for line in sys.stdin:
        try:
            given = json.loads(line, parse_float=decimal.Decimal)
            values = [inward(value, kind) for value, kind in zip(given, order["kinds"])]
            send(value=outward(function(*values), order["returns"]))
        except BaseException as error:
            send(error=said(error))


main()
