import { expectAccessible, expectLargeTargets, expectNoOverflow } from "./support/assertions";
import { ChatPage } from "./support/chat-page";
import { TasksPage } from "./support/tasks-page";
import { expect, test } from "./support/test";

test.describe("an answer", () => {
  test("is shown while it arrives, and announced once", async ({ chat, model, page }) => {
    const gate = model.gate(2);
    await model.reply("^how are you streaming", [{ pieces: ["**Word**", " by", " word."], gate: gate.position }]);
    await chat.send("how are you streaming");
    await expect(chat.messages.locator("strong")).toHaveText("Word");
    await expect(chat.messages).toContainText("Working…");
    await expect(chat.stopButton).toBeVisible();
    const liveRegion = page.locator("[aria-live=polite].sr-only");
    await expect(liveRegion).not.toContainText("Word");
    await gate.open();
    await expect(chat.messages).toContainText("Word by word.");
    await chat.idle();
    await expect(liveRegion).toHaveText("Word by word.");
    await expect(chat.composer).toBeFocused();
  });

  test("continues after a reload", async ({ chat, model, page }) => {
    const gate = model.gate(2);
    await model.reply("^continue after a reload", [
      { pieces: ["The first", " and the", " second half."], gate: gate.position },
    ]);
    await chat.send("continue after a reload");
    await expect(chat.messages).toContainText("The first");
    await page.reload();
    await expect(chat.messages).toContainText("The first");
    await expect(chat.stopButton).toBeVisible();
    await gate.open();
    await expect(chat.turn("continue after a reload")).toContainText("The first and the second half.");
    await chat.idle();
    await expect(chat.messages.getByText("The first")).toHaveCount(1);
  });

  test("continues while the panel is closed", async ({ chat, model }) => {
    const gate = model.gate(2);
    await model.reply("^continue in the background", [{ pieces: ["Half", " and", " half."], gate: gate.position }]);
    await chat.send("continue in the background");
    await expect(chat.messages).toContainText("Half");
    await chat.button("Close the assistant").click();
    await expect(chat.toggle).toBeFocused();
    await gate.open();
    await chat.open();
    await expect(chat.messages).toContainText("Half and half.");
  });

  test("can be stopped, and requested again", async ({ chat, model }) => {
    const gate = model.gate(2);
    await model.reply("^count slowly", [{ pieces: ["One", " two", " three"] }]);
    await model.reply("^count slowly", [{ pieces: ["One", " two", " three"], gate: gate.position }], { times: 1 });
    await chat.send("count slowly");
    await expect(chat.messages).toContainText("One");
    await chat.composer.press("Escape");
    await expect(chat.messages).toContainText("Stopped.");
    await expect(chat.messages).not.toContainText("three");
    await chat.button("Try again").click();
    await expect(chat.messages).toContainText("One two three");
    await expect(chat.messages).not.toContainText("Stopped.");
    await gate.open();
  });

  test("that fails shows the reason, and can be requested again", async ({ chat, model }) => {
    await model.reply("^be difficult", [{ text: "I am fine now." }]);
    await model.reply("^be difficult", [{ fault: { status: { code: 400, message: "too difficult" } } }], { times: 1 });
    await chat.send("be difficult");
    await expect(chat.alert).toBeVisible();
    await chat.alert.getByRole("button", { name: "Try again" }).click();
    await expect(chat.messages).toContainText("I am fine now.");
    await expect(chat.alert).toBeHidden();
  });

  test("does not render HTML, images or unsafe links", async ({ chat, model, page }) => {
    const text =
      "<img src=x onerror=alert(1)> ![pixel](https://example.com/p.png) [link](https://example.com) [bad](javascript:alert(1))";
    await model.reply("^be evil", [{ text }]);
    await chat.ask("be evil", "onerror");
    await expect(page.locator("#chat img")).toHaveCount(0);
    await expect(chat.messages.getByRole("link")).toHaveCount(1);
    await expect(chat.messages.getByRole("link")).toHaveAttribute("rel", /noopener noreferrer/);
  });
});

test.describe("a message", () => {
  test("can be edited and sent again", async ({ chat, tasks }) => {
    await chat.ask("add Buy milk", "Added Buy milk");
    await chat.ask("add Call Ada", "Added Call Ada");
    await chat.turn("add Buy milk").hover();
    await chat.turn("add Buy milk").getByRole("button", { name: /^Edit/ }).click();
    await expect(chat.editor.getByRole("textbox")).toBeFocused();
    await chat.editor.getByRole("textbox").fill("add Buy oat milk");
    await chat.editor.getByRole("button", { name: "Send" }).click();
    await expect(chat.messages).toContainText("Added Buy oat milk");
    await expect(chat.messages.getByRole("article")).toHaveCount(1);
    await tasks.expectTitles("Buy oat milk", "Call Ada", "Buy milk");
  });

  test("is edited with ↑, and Escape cancels that", async ({ chat }) => {
    await chat.ask("add Buy milk", "Added Buy milk");
    await chat.composer.press("ArrowUp");
    await expect(chat.editor.getByRole("textbox")).toHaveValue("add Buy milk");
    await chat.editor.getByRole("textbox").press("Escape");
    await expect(chat.editor).toBeHidden();
    await expect(chat.composer).toBeFocused();
  });

  test("above the rate limit can be sent again later", async ({ chat, page, pageErrors }) => {
    pageErrors.allow(/status of 429/);
    const problem = { type: "about:blank", title: "Too Many Requests", status: 429, code: "too_many_turns" };
    await page.route("**/api/chat", (route) =>
      route.fulfill({
        status: 429,
        headers: { "retry-after": "1" },
        contentType: "application/problem+json",
        json: { ...problem, detail: "Too many messages in a minute." },
      }),
    );
    await chat.send("add Buy milk");
    await expect(chat.alert).toContainText("Too many messages in a minute.");
    await page.unroute("**/api/chat");
    await chat.alert.getByRole("button", { name: "Try again", exact: true }).click();
    await expect(chat.messages).toContainText("I added Buy milk");
  });

  test("during a turn of another tab is refused, and that turn can be shown", async ({
    chat,
    model,
    context,
    pageErrors,
  }) => {
    pageErrors.allow(/status of 409/);
    const gate = model.gate(2);
    await model.reply("^take your time", [{ pieces: ["Half", " and", " half."], gate: gate.position }]);
    await chat.ask("add Buy milk", "Added Buy milk");
    const other = new ChatPage(await context.newPage());
    await other.page.goto("/tasks");
    await other.button("Conversations").click();
    await other.conversation("add Buy milk").getByRole("button").first().click();
    await expect(other.messages).toContainText("Added Buy milk");

    await chat.send("take your time");
    await expect(chat.messages).toContainText("Half");
    await other.send("add Call Ada");
    await other.alert.getByRole("button", { name: "Show the answer at work" }).click();
    await expect(other.turn("take your time")).toContainText("Half");
    await expect(other.composer).toHaveValue("add Call Ada");
    await gate.open();
    await expect(other.turn("take your time")).toContainText("Half and half.");
    await expect(chat.turn("take your time")).toContainText("Half and half.");
  });
});

test("the deletion of several tasks needs confirmation", async ({ chat, tasks, api }) => {
  await api.addTasks("One", "Two");
  await chat.send("delete One, Two");
  await chat.button("No, leave it").click();
  await expect(chat.step("Kept One")).toBeVisible();
  await expect(chat.composer).toBeFocused();
  await chat.idle();
  await tasks.expectTitles("Two", "One");

  await chat.send("delete One, Two");
  await expect(chat.confirmation).toBeVisible();
  await chat.page.reload();
  await chat.button("Delete 2 tasks").click();
  await expect(chat.step("Deleted One")).toBeVisible();
  await expect(tasks.page.getByRole("heading", { name: "A clean slate" })).toBeVisible();
  await chat.button("Restore One").click();
  await expect(chat.step("Deleted One")).toContainText("restored");
  await tasks.expectTitles("One");
});

test("a step links to its task", async ({ chat, tasks, api, page }) => {
  await api.addTasks("Buy milk", "Call Ada");
  await chat.ask("complete Buy milk", "Completed Buy milk");
  await chat.step("Completed").getByRole("link", { name: "Buy milk" }).click();
  await expect(tasks.title("Buy milk")).toBeFocused();
  await expect(page).toHaveURL("/tasks");

  await tasks.filter("Pending").click();
  await tasks.expectTitles("Call Ada");
  await chat.step("Completed").getByRole("link", { name: "Buy milk" }).click();
  await expect(page).toHaveURL("/tasks?q=Buy+milk");
  await tasks.expectTitles("Buy milk");
});

test("conversations are found, renamed and deleted", async ({ chat }) => {
  await chat.ask("add Buy milk", "Added Buy milk");
  await chat.button("New chat").click();
  await expect(chat.composer).toBeFocused();
  await chat.ask("list all", "1 open");

  await chat.button("Conversations").click();
  const search = chat.panel.getByRole("searchbox", { name: "Search conversations" });
  await expect(search).toBeFocused();
  await expect(chat.conversations.getByRole("listitem")).toHaveCount(2);
  await search.fill("0 completed");
  await expect(chat.conversations.getByRole("listitem")).toHaveText([/list all/]);
  await search.fill("nowhere");
  await expect(chat.panel).toContainText("No conversation contains “nowhere”.");
  await search.fill("");

  await chat.conversation("add Buy milk").hover();
  await chat.button("Rename add Buy milk").click();
  await chat.panel.getByRole("textbox", { name: "Title" }).fill("Shopping");
  await chat.panel.getByRole("textbox", { name: "Title" }).press("Enter");
  await chat.conversation("Shopping").getByRole("button").first().click();
  await expect(chat.title).toHaveText("Shopping");
  await expect(chat.turn("add Buy milk")).toBeVisible();

  await chat.button("Conversations").click();
  await chat.conversation("Shopping").hover();
  await chat.button("Delete Shopping").click();
  await chat.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(chat.conversations.getByRole("listitem")).toHaveText([/list all/]);
  await chat.button("Back to the chat").click();
  await expect(chat.panel).toContainText("Manage your tasks by talking");
});

test("without a model, the panel explains the settings and tasks still work", async ({ tasks, page }) => {
  let configured = false;
  await page.route("**/api/chat", (route) => route.fulfill({ json: { configured, model: null } }));
  const chat = new ChatPage(page);
  await chat.toggle.click();
  await expect(chat.panel).toContainText("OPENAI_API_KEY");
  await expect(chat.composer).toBeHidden();
  await expectAccessible(page);
  await tasks.add("Buy milk");
  await tasks.expectTitles("Buy milk");
  configured = true;
  await chat.button("Check again").click();
  await expect(chat.composer).toBeVisible();
});

test("the chat works with the keyboard alone", async ({ tasks, page }) => {
  const chat = new ChatPage(page);
  await tasks.title("Add your first task").focus();
  await page.keyboard.press("c");
  await expect(chat.composer).toBeFocused();
  await page.keyboard.type("add Buy milk");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Enter");
  await expect(chat.messages).toContainText("Added Buy milk");
  await chat.idle();
  await tasks.title("Buy milk").focus();
  await page.keyboard.press("C");
  await expect(chat.title).toHaveText("New chat");
  await expect(chat.composer).toBeFocused();
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(help.getByText("Talk to the assistant")).toBeVisible();
  await expect(help.getByText("Stop the answer")).toBeVisible();
});

test("the panel stays open or closed after a reload", async ({ chat, page }) => {
  await page.reload();
  await expect(chat.composer).toBeVisible();
  await chat.button("Close the assistant").click();
  await page.reload();
  await expect(page.getByRole("button", { name: "Add", exact: true })).toBeEnabled();
  await expect(chat.panel).toBeHidden();
});

const PHONE = { width: 390, height: 844 };

for (const viewport of [{ width: 1280, height: 800 }, { width: 1024, height: 700 }, PHONE]) {
  test.describe(`at ${viewport.width} px`, () => {
    test.use({ viewport, hasTouch: viewport === PHONE });

    test("the chat is accessible and nothing overflows", async ({ chat, model, page, api }) => {
      const long = "W".repeat(120);
      await api.addTasks(long, "Two");
      const text = `# A title\n\n- **one** \`two\`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n\`\`\`\n${long}\n\`\`\`\n\n> [link](https://example.com/${long})`;
      await model.reply("^show everything", [{ text }]);
      await model.reply("^fail for everyone", [{ fault: { status: { code: 400, message: "no" } } }]);
      await chat.ask("show everything", "A title");
      await chat.send("fail for everyone");
      await expect(chat.alert).toBeVisible();
      await chat.send(`delete ${long}, Two`);
      await expect(chat.confirmation).toBeVisible();
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await expect(page.locator("html")).toHaveClass(new RegExp(colorScheme));
        await expectAccessible(page, colorScheme === "light" ? "everything" : "colours");
      }
      await expectNoOverflow(page);
      if (viewport === PHONE) await expectLargeTargets(page);
      await chat.button("Conversations").click();
      await expect(chat.conversations).toBeVisible();
      await expectAccessible(page);
    });
  });
}

test.describe("on a phone", () => {
  test.use({ viewport: PHONE, hasTouch: true });

  test("the chat is a sheet over the page", async ({ chat, tasks, page }) => {
    await expect(page.getByRole("dialog", { name: "Assistant" })).toBeVisible();
    await chat.ask("add Buy milk", "Added Buy milk");
    await chat.step("Added").getByRole("link").click();
    await expect(chat.panel).toBeHidden();
    await expect(tasks.title("Buy milk")).toBeFocused();

    await chat.open();
    await expect(chat.turn("add Buy milk")).toBeVisible();
    await chat.composer.press("Escape");
    await expect(chat.panel).toBeHidden();
    await expect(chat.toggle).toBeFocused();
    await page.reload();
    await new TasksPage(page).ready();
    await expect(chat.panel).toBeHidden();
  });
});
