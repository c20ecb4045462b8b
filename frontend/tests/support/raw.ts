import { once } from "node:events";
import { connect } from "node:net";

/** Sends bytes as they are, past the clean-up that HTTP clients do, and returns all that comes back until the end. */
export async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(text);
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  return answer;
}

/** A request head with exactly this target. */
export function head(target: string, ...headers: string[]): string {
  return [`GET ${target} HTTP/1.1`, "Host: todo.local", "Connection: close", ...headers, "", ""].join("\r\n");
}
