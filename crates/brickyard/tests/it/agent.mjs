// An agent's day, told by the official TypeScript client: over standard input and output, or over HTTP.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [way, place, folders, ...rest] = process.argv.slice(2);
const folder = (name) => path.join(folders, name);
const transport =
  way === "http"
    ? new StreamableHTTPClientTransport(new URL(place), {
        requestInit: { headers: { Authorization: `Bearer ${rest[0]}` } },
      })
    : new StdioClientTransport({ command: place, args: ["mcp", ...rest], env: process.env });
const client = new Client({ name: "judge", version: "1" });
await client.connect(transport);
const patience = { timeout: 600_000, resetTimeoutOnProgress: true };

async function call(name, args, more = {}) {
  const result = await client.callTool({ name, arguments: args }, undefined, { ...patience, ...more });
  const said = JSON.parse(result.content[0].text);
  assert.equal(result.isError === true, "error" in said);
  return { ...said, content: result.content };
}
async function until(what, test) {
  for (const start = Date.now(); !(await test()); await new Promise((go) => setTimeout(go, 50)))
    if (Date.now() - start > 300_000) throw new Error(`not in time: ${what}`);
}

// Every tool says whether it changes anything, and those that destroy say so.
const { tools } = await client.listTools();
const kinds = Object.fromEntries(tools.map(({ name, annotations }) => [name, annotations]));
for (const [name, { readOnlyHint, destructiveHint }] of Object.entries(kinds))
  assert(readOnlyHint === true || (readOnlyHint === false && typeof destructiveHint === "boolean"), name);
const destroys = Object.keys(kinds).filter((name) => kinds[name].destructiveHint === true);
assert.deepEqual(destroys.sort(), ["execute_sql", "manage_app", "manage_workspace_files", "query_lakebase"]);

// A deployment tells how far it is, in order.
const told = [];
const name = `quick-${way}`;
const deployed = await call("deploy_app", { path: folder("quick"), name }, { onprogress: (one) => told.push(one) });
assert(!deployed.error, JSON.stringify(deployed));
assert(told.some(({ message }) => message === "Deploying"), JSON.stringify(told));
assert.deepEqual(told.map(({ progress }) => progress), told.map((_, at) => at + 1));

// One that is given up leaves the app as it was, and the same call again completes it.
const giveUp = new AbortController();
const slow = { path: folder("slow"), name: `slow-${way}` };
const onprogress = ({ message }) => message === "Deploying" && giveUp.abort();
await assert.rejects(call("deploy_app", slow, { onprogress, signal: giveUp.signal }));
fs.writeFileSync(folder("go"), "");
const again = await call("deploy_app", slow);
assert.equal(again.app?.app_status, "RUNNING", JSON.stringify(again));
fs.rmSync(folder("go"));

// An app on this machine: start, visit, log, stop.
const running = await call("run_app", { path: folder("quick") });
assert(!running.error && !running.already_running, JSON.stringify(running));
assert((await call("run_app", { path: folder("quick") })).already_running);
let cookies = "";
for (let url = running.url, hops = 0; hops < 10; hops++) {
  const answer = await fetch(url, { redirect: "manual", headers: { cookie: cookies } });
  cookies = [cookies, ...answer.headers.getSetCookie().map((one) => one.split(";")[0])].filter(Boolean).join("; ");
  if (answer.status === 200) { assert.match(await answer.text(), /quick brown fox/); break; }
  url = new URL(answer.headers.get("location"), url).href;
}
let log;
await until("the line of the log", async () => {
  log = await call("read_app_log", { path: folder("quick"), search: "ASKED", sources: ["APP"] });
  return log.lines.length > 0;
});
assert.deepEqual([...new Set(log.lines.map(({ source }) => source))], ["APP"]);
if (kinds.screenshot) {
  const shot = await call("screenshot", { path: folder("quick"), width: 320, height: 200 });
  assert.equal(shot.title, "quick", JSON.stringify(shot).slice(0, 500));
  const picture = Buffer.from(shot.content[1].data, "base64");
  assert.equal(picture.subarray(1, 4).toString(), "PNG");
  assert.deepEqual([picture.readUInt32BE(16), picture.readUInt32BE(20)], [320, 200]);
  const elsewhere = await call("screenshot", { url: "http://example.com/" });
  assert.match(elsewhere.error, /not on this machine/);
}
assert.equal((await call("stop_app", { path: folder("quick") })).status, "stopped");
await assert.rejects(fetch(running.url));

// A start that is given up ends what it started.
const started = path.join(folder("slow"), "started");
fs.rmSync(started, { force: true });
const stop = new AbortController();
const starting = assert.rejects(call("run_app", { path: folder("slow") }, { signal: stop.signal }));
await until("the slow app", () => fs.existsSync(started) && fs.readFileSync(started, "utf8"));
stop.abort();
await starting;
const process_ = Number(fs.readFileSync(started, "utf8"));
await until("its end", () => { try { process.kill(process_, 0); return false; } catch { return true; } });

await client.close();
console.log("done");
