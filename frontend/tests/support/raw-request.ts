import { once } from "node:events";
import { connect } from "node:net";

/** Sends text without the normalisation of an HTTP client. Returns everything until the connection is closed. */
export async function sendRaw(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(text);
  let response = "";
  for await (const chunk of socket) response += chunk;
  return response;
}

/** The head of a request with exactly this target. */
export function requestHead(target: string, ...headers: string[]): string {
  return [`GET ${target} HTTP/1.1`, "Host: todo.local", "Connection: close", ...headers, "", ""].join("\r\n");
}
