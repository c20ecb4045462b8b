import { randomUUID } from "node:crypto";
import { type BrowserContext, test as base, type Page } from "@playwright/test";
import { Api } from "./api";
import { ChatPage } from "./chat-page";
import { Model } from "./model";
import { PageErrors } from "./page-errors";
import { TasksPage } from "./tasks-page";

export type Account = { email: string; password: string };

export const newAccount = (): Account => ({
  email: `${randomUUID()}@example.com`,
  password: "correct horse battery",
});

type Fixtures = {
  origin: string;
  /** Fails every test in which a page had an error that the test does not allow. */
  pageErrors: PageErrors;
  /** A new account that is signed in in `context`. */
  account: Account;
  /** Sends requests as `account`. */
  api: Api;
  /** The open task list of `account`. */
  tasks: TasksPage;
  /** The open assistant next to that list. */
  chat: ChatPage;
  /** The scripted model that the assistant uses. */
  model: Model;
  /** Opens a page in another browser, which is signed in if there is an `account`. */
  otherDevice: (account?: Account) => Promise<Page>;
};

export const test = base.extend<Fixtures>({
  origin: async ({ baseURL }, use) => {
    if (!baseURL)
      throw new Error("BASE_URL is not set: run `cargo xtask test e2e`, or set it to the address of a stack");
    await use(new URL(baseURL).origin);
  },

  pageErrors: [
    async ({ context, origin }, use) => {
      const pageErrors = new PageErrors(origin);
      await pageErrors.observe(context);
      await use(pageErrors);
      pageErrors.verify();
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

  otherDevice: async ({ browser, pageErrors, origin, contextOptions }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (account) => {
      const context = await browser.newContext({ ...contextOptions, baseURL: origin });
      contexts.push(context);
      await pageErrors.observe(context);
      if (account) await new Api(context.request, origin).signIn(account.email, account.password);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },
});

export { expect } from "@playwright/test";
