from fastmcp import FastMCP

server = FastMCP("peer")
TEXT = "Explains a rule. " * 40


@server.tool
def explain_rule(code: str) -> dict:
    return {"code": code, "name": "peer", "level": "error", "text": TEXT}


server.run(show_banner=False)
