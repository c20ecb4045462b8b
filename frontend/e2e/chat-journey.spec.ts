import { expect, test } from "./support/test";

// The demo script of `testing/llm` has the replies. This test also runs against a real cluster.
test("a user manages tasks in the chat", async ({ tasks, chat, api }) => {
  await chat.ask("add Buy milk", "I added Buy milk to your list.");
  await tasks.expectTitles("Buy milk");
  await chat.ask("add Call Ada", "Added Call Ada");
  await chat.ask("add Book a flight", "Added Book a flight");
  await tasks.expectTitles("Book a flight", "Call Ada", "Buy milk");

  await chat.ask("what is open", "3 open, 0 completed");
  await expect(chat.turn("what is open").getByRole("listitem")).toHaveText(["Book a flight", "Call Ada", "Buy milk"]);
  await expect(chat.step("Looked at 3 tasks")).toBeVisible();

  await chat.ask("complete Buy milk", "Completed Buy milk");
  await expect(tasks.complete("Buy milk")).toBeChecked();
  await tasks.expectCounts(3, 2, 1);

  await chat.send("delete Call Ada, Book a flight");
  await expect(chat.confirmation).toContainText("delete 2 tasks");
  await expect(chat.step("Wants to delete")).toHaveText(["Wants to delete Call Ada", "Wants to delete Book a flight"]);
  expect(await api.tasks()).toHaveLength(3);
  await chat.button("Delete 2 tasks").click();
  await expect(chat.messages).toContainText("I deleted Call Ada and Book a flight.");
  await tasks.expectTitles("Buy milk");
  await chat.idle();

  await chat.page.reload();
  await expect(chat.turn("add Buy milk")).toContainText("I added Buy milk to your list.");
  await expect(chat.title).toHaveText("add Buy milk");
});
