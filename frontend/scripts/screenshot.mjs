// Makes docs/screenshot.png, of the application that `cargo todo dev --demo-model` serves at BASE_URL.
import { chromium } from "@playwright/test";

const BASE_URL = process.env.BASE_URL ?? "http://localhost:3000";
const SIZE = { width: 1280, height: 800 };
const TASKS = [
  { title: "Fix the flaky login test", description: "Looks like a race between the cookie and the redirect" },
  { title: "Water the plants", done: true },
  { title: "Book a dentist appointment", done: true },
  { title: "Read the PostgreSQL 18 release notes", description: "Especially the part about virtual generated columns" },
  { title: "Send the invoice to Acme" },
  { title: "Plan the team offsite", description: "Three days, somewhere near a lake. Ask Grace about the cabin." },
];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM_PATH });
try {
  const context = await browser.newContext({ viewport: SIZE, reducedMotion: "reduce", baseURL: BASE_URL });
  const page = await context.newPage();
  const post = async (path, data) => {
    const response = await page.request.post(path, { data, headers: { origin: BASE_URL } });
    if (!response.ok()) throw new Error(`${path} answered ${response.status()}: ${await response.text()}`);
    return response.json().catch(() => null);
  };
  const email = `ada-${Date.now()}@example.com`;
  await post("/api/auth/sign-up", { email, password: "correct horse battery", name: "Ada" });
  for (const { done, ...task } of TASKS) {
    const { id } = await post("/api/tasks", task);
    if (done) await post(`/api/tasks/${id}/complete`);
  }
  await page.goto("/tasks");
  await page.getByRole("banner").getByRole("button", { name: "Assistant" }).click();
  for (const message of ["add Order the birthday cake", "what is open?"]) {
    const composer = page.getByRole("textbox", { name: "Message to the assistant" });
    await composer.fill(message);
    await composer.press("Enter");
    await page.getByRole("article", { name: `You asked: ${message}` }).waitFor();
    await page.getByRole("button", { name: "Send", exact: true }).waitFor();
  }
  await page.mouse.move(0, 0);
  await page.screenshot({ path: new URL("../../docs/screenshot.png", import.meta.url).pathname });
} finally {
  await browser.close();
}
