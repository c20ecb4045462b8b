import { expect, newAccount, test } from "./support/test";

test.describe("signing up", () => {
  test("creates an account and opens its tasks", async ({ page }) => {
    const { email, password } = newAccount();
    await page.goto("/");
    await page.getByRole("banner").getByRole("link", { name: "Sign up" }).click();
    await expect(page).toHaveTitle("Sign up · Todo");
    await page.getByLabel("Name").fill("Ada Lovelace");
    await page.getByLabel("E-mail").fill(` ${email.toUpperCase()} `);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Create account" }).click();

    await expect(page).toHaveURL("/tasks");
    await page.getByRole("button", { name: "Account menu" }).click();
    await expect(page.getByText("Ada Lovelace")).toBeVisible();
    await expect(page.getByText(email)).toBeVisible();
  });

  test("marks each invalid field until it is corrected", async ({ page }) => {
    await page.goto("/sign-up");
    await page.getByLabel("Name").fill("A".repeat(101));
    await page.getByLabel("E-mail").fill("ada at example");
    await page.getByLabel("Password").fill("too short");
    await page.getByRole("button", { name: "Create account" }).click();

    await expect(page.getByLabel("Name")).toHaveAccessibleDescription(/Must be at most 100 characters/);
    await expect(page.getByLabel("Name")).toBeFocused();
    await expect(page.getByLabel("E-mail")).toHaveAccessibleDescription(/Must be an e-mail address/);
    const password = page.getByLabel("Password");
    await expect(password).toHaveAccessibleDescription(/Must be 10 to 128 characters/);
    await expect(password).toHaveAttribute("aria-invalid", "true");

    await password.fill("long enough now");
    await expect(password).not.toHaveAttribute("aria-invalid");
  });

  test("shows errors of the server at their fields", async ({ page, pageErrors, otherDevice }) => {
    pageErrors.allow(/status of 409 .*sign-up/, /status of 422 .*sign-up/);
    const taken = newAccount();
    const other = await otherDevice();
    await other.request.post("/api/auth/sign-up", { data: taken });

    await page.goto("/sign-up");
    const email = page.getByLabel("E-mail");
    await email.fill(taken.email);
    await page.getByLabel("Password").fill(taken.password);
    await page.getByRole("button", { name: "Create account" }).click();
    await expect(email).toHaveAccessibleDescription(/already has an account/i);
    await expect(email).toBeFocused();

    await page.route("**/api/auth/sign-up", (route) =>
      route.fulfill({
        status: 422,
        contentType: "application/problem+json",
        json: {
          type: "about:blank",
          title: "Unprocessable Content",
          status: 422,
          code: "validation",
          detail: "The password is not accepted.",
          errors: [{ field: "password", rule: "must not be a password known to everyone" }],
        },
      }),
    );
    await page.getByRole("button", { name: "Create account" }).click();
    await expect(page.getByLabel("Password")).toHaveAccessibleDescription(/Must not be a password known to everyone\./);
  });
});

test.describe("signing in", () => {
  test("works with the right password only", async ({ page, pageErrors, otherDevice }) => {
    pageErrors.allow(/status of 401 .*sign-in/);
    const { email, password } = newAccount();
    const other = await otherDevice();
    await other.request.post("/api/auth/sign-up", { data: { email, password } });

    await page.goto("/sign-in");
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("main").getByRole("alert")).toContainText(/e-mail|password/i);
    await expect(page.getByLabel("E-mail")).toHaveValue(email);

    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).toHaveURL("/tasks");
    await expect(page).toHaveTitle("Tasks · Todo");
  });

  test("shows a countdown after too many wrong passwords", async ({ page, request, otherDevice, pageErrors }) => {
    pageErrors.allow(/status of 429 .*sign-in/);
    const { email, password } = newAccount();
    // A device that the account knows has a limit of its own.
    const known = await otherDevice();
    await known.request.post("/api/auth/sign-up", { data: { email, password } });
    const wrong = () => request.post("/api/auth/sign-in", { data: { email, password: "not the password" } });
    while ((await wrong()).status() !== 429);

    await page.goto("/sign-in");
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    const alert = page.getByRole("main").getByRole("alert");
    await expect(alert).toContainText("Too many attempts. Try again in");
    await expect(page.getByRole("button", { name: "Sign in" })).toBeDisabled();

    const first = await alert.textContent();
    await expect(alert).not.toHaveText(first ?? "");
  });

  test("is possible again after the countdown", async ({ page, pageErrors }) => {
    pageErrors.allow(/status of 429 .*sign-in/);
    await page.route("**/api/auth/sign-in", (route) =>
      route.fulfill({
        status: 429,
        contentType: "application/problem+json",
        headers: { "retry-after": "2" },
        json: {
          type: "about:blank",
          title: "Too Many Requests",
          status: 429,
          code: "too_many_attempts",
          detail: "Wait.",
        },
      }),
    );
    await page.goto("/sign-in");
    await page.getByLabel("E-mail").fill("ada@example.com");
    await page.getByLabel("Password").fill("whatever it is");
    const button = page.getByRole("button", { name: "Sign in" });
    await button.click();
    await expect(button).toBeDisabled();
    await expect(page.getByRole("main").getByRole("alert")).toContainText("in 1 second.");
    await expect(button).toBeEnabled();
  });
});

test.describe("?next=", () => {
  test("returns to the requested page", async ({ page, otherDevice }) => {
    const { email, password } = newAccount();
    const other = await otherDevice();
    await other.request.post("/api/auth/sign-up", { data: { email, password } });

    await page.goto("/tasks?status=completed&q=milk");
    await expect(page).toHaveURL(`/sign-in?next=${encodeURIComponent("/tasks?status=completed&q=milk")}`);
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).toHaveURL("/tasks?status=completed&q=milk");
  });

  test("is kept on the sign-up page", async ({ page }) => {
    const { email, password } = newAccount();
    await page.goto("/account");
    await page.getByRole("link", { name: "Create an account" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Create your account");
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Create account" }).click();
    await expect(page).toHaveURL("/account");
  });

  test("never redirects to another site", async ({ page, context, origin, otherDevice }) => {
    const { email, password } = newAccount();
    await (await otherDevice()).request.post("/api/auth/sign-up", { data: { email, password } });
    for (const next of ["https://example.org/", "//example.org", "/\\example.org"]) {
      await context.clearCookies();
      await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
      await page.getByLabel("E-mail").fill(email);
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Sign in" }).click();
      await expect(page).toHaveURL(`${origin}/tasks`);
    }
  });
});

test.describe("guards", () => {
  for (const path of ["/tasks", "/account"]) {
    test(`${path} redirects a visitor to the sign-in`, async ({ page }) => {
      await page.goto(path);
      await expect(page).toHaveURL(`/sign-in?next=${encodeURIComponent(path)}`);
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Welcome back");
    });
  }

  for (const path of ["/sign-in", "/sign-up"]) {
    test(`${path} redirects a user to the tasks`, async ({ page, account: _ }) => {
      await page.goto(path);
      await expect(page).toHaveURL("/tasks");
    });
  }

  test("a session that has ended elsewhere redirects to the sign-in", async ({ page, context, tasks, pageErrors }) => {
    pageErrors.allow(/status of 401/);
    // All requests of the page itself are finished before the test sends the next one.
    const events = page.waitForResponse("**/api/events*");
    await page.reload();
    await events;
    await tasks.expectCounts(0, 0, 0);
    await context.clearCookies();
    await tasks.add("Too late");
    await expect(page).toHaveURL("/sign-in?next=%2Ftasks");
  });
});

test("signing out ends the session in every tab", async ({ page, context, tasks: _, pageErrors }) => {
  pageErrors.allow(/status of 401/);
  const otherTab = await context.newPage();
  await otherTab.goto("/tasks");
  await expect(otherTab.getByRole("heading", { name: "Tasks", level: 1 })).toBeVisible();

  await page.getByRole("button", { name: "Account menu" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/sign-in");
  await expect(otherTab).toHaveURL("/sign-in?next=%2Ftasks");
  expect((await context.cookies()).map(({ name }) => name)).not.toContain("todo_session");

  await page.goto("/tasks");
  await expect(page).toHaveURL("/sign-in?next=%2Ftasks");
});
