import { randomUUID } from "node:crypto";
import { type APIRequestContext, expect } from "@playwright/test";

/** A reply of the scripted model, in the format of `testing/llm`. */
export type Reply = {
  text?: string;
  pieces?: string[];
  tool_calls?: { name: string; arguments: object }[];
  fault?: object;
  gate?: { name: string; after: number };
};

/** The scripted model that the application under test uses. */
export class Model {
  constructor(
    private readonly request: APIRequestContext,
    private readonly url: string,
  ) {}

  /** Sets the replies to messages that match `user`, one for each round. The latest rule has priority. */
  async reply(user: string, replies: Reply[], rule: { times?: number } = {}) {
    await this.post("/rules", [{ when: { user }, replies, ...rule }]);
  }

  /** Makes a reply wait after some pieces until the test opens the gate. */
  gate(after: number) {
    const name = randomUUID();
    return { position: { name, after }, open: () => this.post(`/gates/${name}`) };
  }

  private async post(path: string, data?: object) {
    await expect(await this.request.post(this.url + path, { data })).toBeOK();
  }
}
