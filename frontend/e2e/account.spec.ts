import { expect, newAccount, test } from "./support/test";

test.beforeEach(async ({ page, account: _ }) => {
  await page.goto("/account");
});

test("the name can be set and cleared", async ({ page }) => {
  const profile = page.getByRole("region", { name: "Profile" });
  await profile.getByLabel("Name").fill(" Ada Lovelace ");
  await profile.getByRole("button", { name: "Save profile" }).click();
  await expect(page.getByText("Profile saved")).toBeVisible();
  await page.getByRole("button", { name: "Account menu" }).click();
  await expect(page.getByText("Ada Lovelace")).toBeVisible();

  await page.reload();
  await expect(profile.getByLabel("Name")).toHaveValue("Ada Lovelace");
  await profile.getByLabel("Name").fill("");
  await profile.getByRole("button", { name: "Save profile" }).click();
  await expect(page.getByText("Profile saved")).toBeVisible();
  await page.reload();
  await expect(profile.getByLabel("Name")).toHaveValue("");
});

test("a change of the e-mail address needs the password, and the new one signs in", async ({
  page,
  account,
  pageErrors,
}) => {
  pageErrors.allow(/status of 4\d\d .*\/api\/auth\/me/);
  const email = newAccount().email;
  const profile = page.getByRole("region", { name: "Profile" });
  await expect(profile.getByLabel("Current password")).toBeHidden();
  await profile.getByLabel("E-mail").fill(email);
  const password = profile.getByLabel("Current password");
  await profile.getByRole("button", { name: "Save profile" }).click();
  await expect(password).toHaveAccessibleDescription(/Enter your password/);
  await password.fill("not the password");
  await profile.getByRole("button", { name: "Save profile" }).click();
  await expect(profile.getByRole("alert").or(profile.locator("[aria-invalid]"))).toBeVisible();
  await password.fill(account.password);
  await profile.getByRole("button", { name: "Save profile" }).click();
  await expect(page.getByText("Profile saved")).toBeVisible();
  await expect(password).toBeHidden();

  await page.getByRole("button", { name: "Account menu" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/sign-in");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(account.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL("/tasks");
});

test("an e-mail address that already has an account is refused at its field", async ({
  page,
  account,
  pageErrors,
  otherDevice,
}) => {
  pageErrors.allow(/status of 409 .*\/api\/auth\/me/);
  const taken = newAccount();
  await (await otherDevice()).request.post("/api/auth/sign-up", { data: taken });
  const profile = page.getByRole("region", { name: "Profile" });
  await profile.getByLabel("E-mail").fill(taken.email);
  await profile.getByLabel("Current password").fill(account.password);
  await profile.getByRole("button", { name: "Save profile" }).click();
  await expect(profile.getByLabel("E-mail")).toHaveAccessibleDescription(/already has an account/i);
});

test("a new password signs out the other devices and is accepted", async ({
  page,
  account,
  pageErrors,
  otherDevice,
}) => {
  pageErrors.allow(/status of 401/, /status of 4\d\d .*\/api\/auth\/password/);
  const other = await otherDevice(account);
  await other.goto("/tasks");
  await expect(other.getByRole("button", { name: "Add", exact: true })).toBeEnabled();

  const section = page.getByRole("region", { name: "Password" });
  const current = section.getByLabel("Current password");
  const next = section.getByLabel("New password", { exact: true });
  const repeated = section.getByLabel("Repeat the new password");
  const change = section.getByRole("button", { name: "Change password" });

  await current.fill("not the password");
  await next.fill("a new battery staple");
  await repeated.fill("a new battery stable");
  await change.click();
  await expect(repeated).toHaveAccessibleDescription(/Must be the same as the new password/);
  await repeated.fill("a new battery staple");
  await change.click();
  await expect(section.getByRole("alert").or(section.locator("[aria-invalid]"))).toBeVisible();
  await current.fill(account.password);
  await change.click();
  await expect(page.getByText("Password changed")).toBeVisible();
  await expect(current).toHaveValue("");

  await expect(other).toHaveURL(/\/sign-in/);
  await other.getByLabel("E-mail").fill(account.email);
  await other.getByLabel("Password").fill("a new battery staple");
  await other.getByRole("button", { name: "Sign in" }).click();
  await expect(other).toHaveURL("/tasks");
});

test("devices are listed, and signed out one by one or all at once", async ({
  page,
  account,
  pageErrors,
  otherDevice,
}) => {
  pageErrors.allow(/status of 401/);
  const others = [await otherDevice(account), await otherDevice(account), await otherDevice(account)];
  for (const other of others) await other.goto("/tasks");
  await page.reload();
  const devices = page.getByRole("list", { name: "Devices" }).getByRole("listitem");
  await expect(devices).toHaveCount(4);
  await expect(devices.filter({ hasText: "This device" })).toHaveCount(1);

  await devices
    .getByRole("button", { name: /^Sign out/ })
    .first()
    .click();
  await page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await expect(devices).toHaveCount(3);
  await page.getByRole("button", { name: "Sign out all others" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await expect(devices).toHaveCount(3);
  await page.getByRole("button", { name: "Sign out all others" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
  await expect(devices).toHaveCount(1);
  await expect(devices).toContainText("This device");
  for (const other of others) await expect(other).toHaveURL(/\/sign-in/);
});

test("a token is shown once, can be copied, works for a program, and is revoked", async ({
  page,
  context,
  playwright,
  origin,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const section = page.getByRole("region", { name: "API tokens" });
  await expect(section.getByText("No program has access.")).toBeVisible();
  await section.getByRole("button", { name: "New token" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Create token" }).click();
  await expect(dialog.getByLabel("Name")).toHaveAccessibleDescription(/1 to 100 characters/);
  await dialog.getByLabel("Name").fill("Backup script");
  await dialog.getByLabel("Expires").selectOption("Never");
  await dialog.getByRole("button", { name: "Create token" }).click();

  const secret = dialog.getByLabel("Token Backup script");
  await expect(secret).toHaveValue(/^todo_/);
  const token = await secret.inputValue();
  await dialog.getByRole("button", { name: "Copy" }).click();
  await expect(dialog.getByRole("button", { name: "Copied" })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(token);
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(page.getByText(token)).toBeHidden();

  const program = await playwright.request.newContext({
    baseURL: origin,
    extraHTTPHeaders: { authorization: `Bearer ${token}` },
  });
  expect((await program.post("/api/tasks", { data: { title: "From a program" } })).status()).toBe(201);
  await page.reload();
  const entry = section.getByRole("listitem").filter({ hasText: "Backup script" });
  await expect(entry).toContainText("Last used just now · never expires");
  await expect(page.getByRole("textbox", { name: "Token Backup script" })).toBeHidden();

  await entry.getByRole("button", { name: "Revoke Backup script" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await expect(section.getByText("No program has access.")).toBeVisible();
  expect((await program.get("/api/tasks")).status()).toBe(401);
  await program.dispose();
});

test("a list that cannot be loaded shows an error and can be loaded again", async ({ page, pageErrors }) => {
  pageErrors.allow(/status of 500 .*\/api\/auth\/tokens/);
  await page.route("**/api/auth/tokens", (route) => route.fulfill({ status: 500 }));
  await page.reload();
  const section = page.getByRole("region", { name: "API tokens" });
  await expect(section.getByRole("alert")).toBeVisible();
  await page.unroute("**/api/auth/tokens");
  await section.getByRole("button", { name: "Try again" }).click();
  await expect(section.getByText("No program has access.")).toBeVisible();
});
