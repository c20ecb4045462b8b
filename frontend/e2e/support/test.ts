import { randomUUID } from "node:crypto";
import { type BrowserContext, test as base, type Page } from "@playwright/test";
import { Api } from "./api";
import { ChatPage } from "./chat-page";
import { Model } from "./model";
import { TasksPage } from "./tasks-page";
import { Watch } from "./watch";

export type Account = { email: string; password: string };

export const newAccount = (): Account => ({
  email: `${randomUUID()}@example.com`,
  password: "correct horse battery",
});

type Fixtures = {
  origin: string;
  /** Fails the test in the end if a page misbehaved; runs for every test. */
  watch: Watch;
  /** A new account, signed in in `context`. */
  account: Account;
  /** Requests as `account`. */
  api: Api;
  /** The list of `account`, open. */
  tasks: TasksPage;
  /** The assistant beside that list, open. */
  chat: ChatPage;
  /** What the assistant thinks with. */
  model: Model;
  /** A page in another browser, signed in as `account` where one is given. */
  otherDevice: (account?: Account) => Promise<Page>;
};

export const test = base.extend<Fixtures>({
  origin: async ({ baseURL }, use) => {
    if (!baseURL)
      throw new Error("BASE_URL is not set: run `cargo xtask test e2e`, or set it to the address of a stack");
    await use(new URL(baseURL).origin);
  },

  watch: [
    async ({ context, origin }, use) => {
      const watch = new Watch(origin);
      await watch.over(context);
      await use(watch);
      watch.verify();
    },
    { auto: true },
  ],

  account: async ({ context, origin }, use) => {
    const account = newAccount();
    await new Api(context.request, origin).signUp(account.email, account.password);
    await use(account);
  },

  api: async ({ context, origin, account: _ }, use) => use(new Api(context.request, origin)),

  tasks: async ({ page, account: _ }, use) => {
    const tasks = new TasksPage(page);
    await tasks.open();
    await use(tasks);
  },

  chat: async ({ tasks }, use) => {
    const chat = new ChatPage(tasks.page);
    await chat.open();
    await use(chat);
  },

  model: async ({ playwright }, use) => {
    const url = process.env.LLM_URL;
    if (!url) throw new Error("LLM_URL is not set: run `cargo xtask test e2e`, or set it to the address of a todo-llm");
    const request = await playwright.request.newContext();
    await use(new Model(request, url));
    await request.dispose();
  },

  otherDevice: async ({ browser, watch, origin, contextOptions }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (account) => {
      const context = await browser.newContext({ ...contextOptions, baseURL: origin });
      contexts.push(context);
      await watch.over(context);
      if (account) await new Api(context.request, origin).signIn(account.email, account.password);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },
});

export { expect } from "@playwright/test";
