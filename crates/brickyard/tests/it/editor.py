"""Drives `brickyard lsp` with the client of pygls, as an editor does."""

import asyncio
import pathlib
import sys

from lsprotocol import types as lsp
from pygls.lsp.client import BaseLanguageClient

brickyard, folder = sys.argv[1], pathlib.Path(sys.argv[2])


async def main():
    client = BaseLanguageClient("judge", "1")
    came = asyncio.Queue()

    @client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def published(params: lsp.PublishDiagnosticsParams):
        came.put_nowait(params)

    async def codes(uri, wanted):
        while True:
            params = await asyncio.wait_for(came.get(), 120)
            if params.uri == uri and sorted(entry.code for entry in params.diagnostics) == sorted(wanted):
                return params.diagnostics

    await client.start_io(brickyard, "lsp", "--stdio")
    await client.initialize_async(
        lsp.InitializeParams(
            capabilities=lsp.ClientCapabilities(),
            workspace_folders=[
                lsp.WorkspaceFolder(uri=path.as_uri(), name=path.name) for path in (folder, folder.parent / "bundle")
            ],
        )
    )
    client.initialized(lsp.InitializedParams())

    # A file of two thousand lines, one of them wrong.
    script = folder / "app.py"
    text = script.read_text()
    uri = script.as_uri()
    document = lsp.TextDocumentItem(uri=uri, language_id="python", version=1, text=text)
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(text_document=document))
    found = await codes(uri, ["BY301"])
    assert found[0].source == "brickyard" and found[0].severity == lsp.DiagnosticSeverity.Error
    place = found[0].range

    async def change(version, where, new):
        client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                text_document=lsp.VersionedTextDocumentIdentifier(uri=uri, version=version),
                content_changes=[lsp.TextDocumentContentChangePartial(range=where, text=new)],
            )
        )

    await change(2, place, "json")
    await codes(uri, [])
    end = lsp.Position(place.start.line, place.start.character + len("json"))
    await change(3, lsp.Range(place.start, end), "psycopg2")
    await codes(uri, ["BY301"])

    hover = await client.text_document_hover_async(
        lsp.HoverParams(text_document=lsp.TextDocumentIdentifier(uri), position=place.start)
    )
    assert "missing-package (BY301)" in hover.contents.value, hover

    actions = await client.text_document_code_action_async(
        lsp.CodeActionParams(
            text_document=lsp.TextDocumentIdentifier(uri),
            range=place,
            context=lsp.CodeActionContext(diagnostics=found),
        )
    )
    ignore = next(action for action in actions if action.title.startswith("Ignore BY301"))
    edit = ignore.edit.changes[uri][0]
    await change(4, edit.range, edit.new_text)
    await codes(uri, [])

    # Keys of `app.yaml`, and those of resources.
    yaml = (folder / "app.yaml").as_uri()
    body = "command: [streamlit, run, app.py]\nenv:\n  - name: A\n    valueFrom: \n  - \n\n"
    document = lsp.TextDocumentItem(uri=yaml, language_id="yaml", version=1, text=body)
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(text_document=document))

    async def labels(line, column):
        items = await client.text_document_completion_async(
            lsp.CompletionParams(
                text_document=lsp.TextDocumentIdentifier(yaml), position=lsp.Position(line, column)
            )
        )
        return [item.label for item in (items if isinstance(items, list) else items.items)]

    assert "command" in await labels(5, 0)
    assert {"name", "value", "valueFrom"} <= set(await labels(4, 4))
    keys = await labels(3, 15)
    assert keys[0] == "my-warehouse" and "postgres" in keys, keys

    # A second app in the same window, with a bundle around it: each keeps its own findings.
    start = edit.range.start
    await change(5, lsp.Range(start, lsp.Position(start.line, start.character + len(edit.new_text))), "")
    await codes(uri, ["BY301"])
    other = folder.parent / "bundle" / "src" / "app.py"
    line = 'name = "🧱🧱"; import psycopg2\n'
    document = lsp.TextDocumentItem(uri=other.as_uri(), language_id="python", version=1, text=line)
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(text_document=document))
    found = await codes(other.as_uri(), ["BY301"])
    # Columns are counted in units of UTF-16: each brick is two.
    assert found[0].range.start == lsp.Position(0, len('name = "') + 4 + len('"; import ')), found
    while not came.empty():
        params = came.get_nowait()
        assert params.uri != uri or params.diagnostics, "the findings of the first app are gone"
    bundle = folder.parent / "bundle" / "databricks.yml"
    document = lsp.TextDocumentItem(uri=bundle.as_uri(), language_id="yaml", version=1, text=bundle.read_text())
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(text_document=document))
    await codes(bundle.as_uri(), ["BY803"])
    client.text_document_did_change(
        lsp.DidChangeTextDocumentParams(
            text_document=lsp.VersionedTextDocumentIdentifier(uri=other.as_uri(), version=2),
            content_changes=[lsp.TextDocumentContentChangeWholeDocument(text="import json\n")],
        )
    )
    await codes(other.as_uri(), [])
    hover = await client.text_document_hover_async(
        lsp.HoverParams(text_document=lsp.TextDocumentIdentifier(other.as_uri()), position=lsp.Position(0, 7))
    )
    assert hover is None, hover

    # What another program writes is looked at when the editor says so.
    (other.parent / "requirements.txt").write_text("polars\n")
    event = lsp.FileEvent(uri=(other.parent / "requirements.txt").as_uri(), type=lsp.FileChangeType.Created)
    client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams(changes=[event]))
    await codes((other.parent / "requirements.txt").as_uri(), ["BY306"])

    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()
    print("done")


asyncio.run(main())
