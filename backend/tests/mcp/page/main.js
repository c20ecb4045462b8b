import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const { url, token } = await (await fetch("target")).json();

/** Connects, and adds and deletes a task. Returns its title. */
async function addTask(options) {
  const client = new Client({ name: "page", version: "1" }, options);
  const requestInit = { headers: { Authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  await client.listTools();
  const { task } = (await client.callTool({ name: "add_task", arguments: { title: "From a page" } })).structuredContent;
  await client.callTool({ name: "delete_task", arguments: { task: task.id } });
  await client.close();
  return task.title;
}

async function result() {
  try {
    const auto = await addTask({ versionNegotiation: { mode: "auto" } });
    return { modes: { auto, legacy: await addTask({ versionNegotiation: { mode: "legacy" } }) } };
  } catch (error) {
    return { error: String(error.stack ?? error), cause: String(error.cause) };
  }
}

await fetch("result", { method: "POST", body: JSON.stringify(await result()) });
