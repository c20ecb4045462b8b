import { expect, type Locator, type Page } from "@playwright/test";

/** The task list as a user sees it. */
export class TasksPage {
  readonly composer: Locator;
  readonly list: Locator;
  readonly rows: Locator;
  readonly search: Locator;
  readonly sort: Locator;
  readonly selectAll: Locator;
  readonly selectionBar: Locator;

  constructor(readonly page: Page) {
    this.composer = page.getByRole("textbox", { name: "New task" });
    this.list = page.getByRole("list", { name: "Tasks" });
    this.rows = this.list.getByRole("listitem");
    this.search = page.getByRole("searchbox", { name: "Search tasks" });
    this.sort = page.getByRole("combobox", { name: "Sort by" });
    this.selectAll = page.getByRole("checkbox", { name: "Select all loaded tasks" });
    this.selectionBar = page.getByRole("region", { name: "Selected tasks" });
  }

  async open(search = "") {
    await this.page.goto(`/tasks${search}`);
    await this.ready();
  }

  /** Waits until the list is loaded. */
  async ready() {
    await expect(this.page.getByRole("button", { name: "Add", exact: true })).toBeEnabled();
    await expect(this.page.getByText("Loading tasks…")).toBeHidden();
  }

  async add(...titles: string[]) {
    for (const title of titles) {
      await this.composer.fill(title);
      await this.composer.press("Enter");
    }
  }

  row = (title: string) => this.rows.filter({ has: this.title(title) });
  title = (title: string) => this.page.getByRole("button", { name: title, exact: true });
  complete = (title: string) => this.page.getByRole("checkbox", { name: `Complete ${title}`, exact: true });
  select = (title: string) => this.page.getByRole("checkbox", { name: `Select ${title}`, exact: true });
  delete = (title: string) => this.page.getByRole("button", { name: `Delete ${title}`, exact: true });
  filter = (name: string) => this.page.getByRole("navigation", { name: "Filter" }).getByRole("link", { name });
  editor = (title: string) => this.page.getByRole("form", { name: `Edit ${title}` });
  bulk = (action: "Complete" | "Reopen" | "Delete") =>
    this.selectionBar.getByRole("button", { name: action, exact: true });

  /** The notifications that contain a text. */
  notification = (text: string | RegExp) =>
    this.page
      .getByRole("region", { name: /Notifications/ })
      .locator("li:not([data-removed=true])")
      .filter({ hasText: text });

  /** Completes a task. Playwright's `check` would fail, because the checkbox changes only after a moment. */
  async completeTask(title: string) {
    await this.complete(title).click();
    await expect(this.complete(title)).toBeChecked();
  }

  async edit(title: string, change: { title?: string; description?: string }) {
    await this.title(title).click();
    const editor = this.editor(title);
    if (change.title !== undefined) await editor.getByLabel("Title").fill(change.title);
    if (change.description !== undefined) await editor.getByLabel("Description").fill(change.description);
    return editor;
  }

  async expectTitles(...titles: string[]) {
    await expect(this.rows.locator("[data-row-title]")).toHaveText(titles);
  }

  async expectCounts(all: number, pending: number, completed: number) {
    for (const [name, count] of Object.entries({ All: all, Pending: pending, Completed: completed })) {
      await expect(this.filter(name)).toHaveText(name + count.toLocaleString("en"));
    }
  }
}
