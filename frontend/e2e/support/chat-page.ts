import { expect, type Locator, type Page } from "@playwright/test";

/** The assistant as a user sees it. */
export class ChatPage {
  readonly toggle: Locator;
  /** The docked panel or the sheet. */
  readonly panel: Locator;
  readonly composer: Locator;
  readonly sendButton: Locator;
  readonly stopButton: Locator;
  readonly messages: Locator;
  readonly confirmation: Locator;
  readonly editor: Locator;
  readonly alert: Locator;
  readonly title: Locator;
  readonly conversations: Locator;

  constructor(readonly page: Page) {
    this.toggle = page.getByRole("banner").getByRole("button", { name: "Assistant" });
    this.panel = page.locator("#chat");
    this.composer = page.getByRole("textbox", { name: "Message to the assistant" });
    this.sendButton = page.getByRole("button", { name: "Send", exact: true });
    this.stopButton = page.getByRole("button", { name: "Stop", exact: true });
    this.messages = page.getByRole("region", { name: "Messages" });
    this.confirmation = page.getByRole("region", { name: "Confirmation" });
    this.editor = page.getByRole("form", { name: "Edit your message" });
    this.alert = this.panel.getByRole("alert");
    this.title = this.panel.getByRole("heading", { level: 2 });
    this.conversations = this.panel.getByRole("list", { name: "Conversations" });
  }

  async open() {
    await this.toggle.click();
    await expect(this.composer).toBeVisible();
  }

  async send(text: string) {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** Sends a message and waits for the end of the answer. */
  async ask(text: string, answer: string | RegExp) {
    await this.send(text);
    await expect(this.turn(text)).toContainText(answer);
    await this.idle();
  }

  idle = () => expect(this.sendButton).toBeVisible();
  turn = (text: string) => this.messages.getByRole("article", { name: `You asked: ${text}`, exact: true });
  step = (text: string) => this.messages.locator("[data-step]").filter({ hasText: text });
  button = (name: string | RegExp) => this.panel.getByRole("button", { name, exact: typeof name === "string" });
  conversation = (title: string) => this.conversations.getByRole("listitem").filter({ hasText: title });
}
