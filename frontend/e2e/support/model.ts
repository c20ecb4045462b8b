import { randomUUID } from "node:crypto";
import { type APIRequestContext, expect } from "@playwright/test";

/** One answer of the scripted model, as `testing/llm` reads it. */
export type Reply = {
  text?: string;
  pieces?: string[];
  tool_calls?: { name: string; arguments: object }[];
  fault?: object;
  gate?: { name: string; after: number };
};

/** The scripted model that the stack under test talks to. */
export class Model {
  constructor(
    private readonly request: APIRequestContext,
    private readonly url: string,
  ) {}

  /** What to answer to messages with a match of `user`: a reply for each round, the newest rule first. */
  async answer(user: string, replies: Reply[], rule: { times?: number } = {}) {
    await this.post("/rules", [{ when: { user }, replies, ...rule }]);
  }

  /** A place in an answer that waits for the test. */
  gate(after: number) {
    const name = randomUUID();
    return { at: { name, after }, open: () => this.post(`/gates/${name}`) };
  }

  private async post(path: string, data?: object) {
    await expect(await this.request.post(this.url + path, { data })).toBeOK();
  }
}
