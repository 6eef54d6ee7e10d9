// A person's day in a real browser, in front of a running gateway: sign in through the provider, make a key and use it,
// be deactivated, be refused. Every page on the way is looked at wide and narrow.
//
//   STORY='{"url": …, "owner": {"email", "password"}, "person", "check": {"client", "secret"}, "pictures": folder}' node run.mjs

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const story = JSON.parse(process.env.STORY);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(story.pictures, { recursive: true });

const say = (text) => console.log(`browser: ${text}`);

// A browser reports each answer of 400 and more as an error of the page; where one is meant, it is none.
const meant = /Failed to load resource: the server responded with a status of (401|403|404|409|422)/;

const complaintsOfAxe = async (page) => {
  // Playwright evaluates outside the page's policy.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  return violations.map((found) => `${found.id}: ${found.nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join(" | ")}`);
};

const widths = [390, 1440];

// Looks at the page as it stands, by day and by night: nothing wrong, nothing wider than the window; leaves a picture of
// each width and colour scheme.
const look = async (page, name) => {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wider <= 0, `${name} scrolls sideways by ${wider} px at ${width} px`);
    for (const colorScheme of ["dark", "light"]) {
      await page.emulateMedia({ colorScheme });
      // A caret that is hidden for the picture leaves inline styles behind, which the page would take along.
      await page.screenshot({ path: join(story.pictures, `${name}-${width}-${colorScheme}.png`), fullPage: true, caret: "initial" });
      assert.deepEqual(await complaintsOfAxe(page), [], `${name}, ${colorScheme}, at ${width} px`);
    }
  }
  assert.deepEqual(page.complaints, [], name);
};

// Opens the addresses anew with nothing kept from before: each is light, and nothing on it moves while it comes.
const isLightAndStill = async (context, addresses) => {
  const page = await context.newPage();
  // While requests pass through here, nothing is taken from the cache.
  await page.route("**/*", (route) => route.continue());
  await page.addInitScript(() => {
    window.shift = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shift += entry.value))).observe({ type: "layout-shift", buffered: true });
  });
  for (const address of addresses) {
    for (const width of widths) {
      const answers = [];
      const gather = (answer) => answers.push(answer);
      await page.setViewportSize({ width, height: 900 });
      page.on("requestfinished", gather);
      await page.goto(`${story.url}${address}`, { waitUntil: "networkidle" });
      page.off("requestfinished", gather);
      const sizes = await Promise.all(answers.map((request) => request.sizes()));
      const sent = sizes.reduce((sum, size) => sum + size.responseBodySize + size.responseHeadersSize, 0);
      assert.ok(answers.length > 1 && sent > 10_000, `${address} came from a cache: ${sent} bytes`);
      assert.ok(sent <= 60 * 1024, `${address}: ${sent} bytes were sent`);
      assert.equal(await page.evaluate(() => window.shift), 0, `${address} moved at ${width} px`);
    }
  }
  await page.close();
  say(`${addresses.length} pages are light and still`);
};

const person = async (browser, settings = {}) => {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"], reducedMotion: "reduce", ...settings });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.complaints = [];
  page.on("console", (message) => message.type() === "error" && !meant.test(message.text()) && page.complaints.push(message.text()));
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  return page;
};

const path = (page) => new URL(page.url()).pathname;

// Whether a service lets this key in.
const allowed = async (key) => {
  const { client, secret, question } = story.check;
  const headers = { "content-type": "application/json", authorization: `Basic ${Buffer.from(`${client}:${secret}`).toString("base64")}` };
  const answer = await fetch(`${story.url}/api/v1/keys/check`, { method: "POST", headers, body: JSON.stringify({ key, ...question }) });
  return (await answer.json()).allowed;
};

const signIn = async (page) => {
  await page.getByLabel("E-mail address").fill(story.person.email);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("button", { name: story.person.name }).click();
};

// E-mail first, the provider, and back to where one wanted to go; then a key, from its making to its use.
const makesAKey = async (browser) => {
  const page = await person(browser);
  await page.goto(`${story.url}/me/keys`);
  assert.equal(path(page), "/login");
  await look(page, "login");
  await page.getByLabel("E-mail address").fill("nonsense");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("There is a problem").waitFor();
  await look(page, "login-wrong");
  await signIn(page);
  await page.getByRole("heading", { name: "Create a key" }).waitFor();
  assert.equal(path(page), "/me/keys");
  await look(page, "keys-first");

  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByText("Enter a name").first().waitFor();
  await look(page, "keys-wrong");
  await page.getByLabel("Name").fill("laptop");
  await page.getByLabel("Expires after").selectOption("90d");
  await page.getByRole("checkbox", { name: "Container registry" }).or(page.locator("#service-registry")).first().check();
  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByRole("heading", { name: "Store the key laptop now" }).waitFor();
  await look(page, "keys-created");
  const key = await page.locator(".secret-value").innerText();
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await page.getByText("Copied").first().waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
  assert.equal(await allowed(key), true, "the key works");
  await page.getByRole("link", { name: "I have stored it" }).click();
  assert.equal((await page.content()).includes(key), false, "the key is shown once");

  await page.getByRole("button", { name: "Disable laptop" }).click();
  await page.getByText("The key is disabled").waitFor();
  assert.equal(await allowed(key), false, "a disabled key is refused");
  await look(page, "keys-disabled");
  await page.getByRole("button", { name: "Enable laptop" }).click();
  await page.getByText("works again").waitFor();
  assert.equal(await allowed(key), true, "an enabled key works again");
  await look(page, "keys");
  await page.getByRole("link", { name: "Delete laptop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete laptop" }).waitFor();
  await look(page, "keys-delete");
  await page.getByRole("link", { name: "Keep it" }).click();
  assert.equal(await page.getByRole("dialog").count(), 0);

  await page.goto(`${story.url}/o/acme/people`);
  await page.getByText("Your role does not open this page").waitFor();
  await look(page, "refused");
  say("a person signed in through the provider and made a key");
  return { page, key };
};

// Through the menu to one's own sessions; a wrong and a weak password, and then a good one.
const changesThePassword = async (page) => {
  await page.getByRole("button", { name: "menu" }).click();
  await page.locator("#me").getByRole("link", { name: "Sessions and security" }).click();
  await page.getByText("This one").waitFor();
  await look(page, "security");
  const change = async (current, next) => {
    await page.getByLabel("Current password").fill(current);
    await page.getByLabel("New password").fill(next);
    await page.getByRole("button", { name: "Change password" }).click();
  };
  await change("not the password", "Purple-walrus-31-teapot");
  await page.getByText("This is not your password").first().waitFor();
  await look(page, "security-wrong");
  await change(story.owner.password, "Password1!");
  await page.getByText("This password is easy to guess").first().waitFor();
  await look(page, "security-weak");
  await change(story.owner.password, "Purple-walrus-31-teapot");
  await page.getByText("Your password is changed").waitFor();
  await look(page, "security-changed");
  story.owner.password = "Purple-walrus-31-teapot";
  say("the owner changed the password and stayed signed in");
};

// The owner comes in by password, finds the person, sees what would end, ends it, and reads the receipt.
const endsIt = async (browser, key) => {
  const page = await person(browser);
  await page.goto(story.url);
  await page.getByLabel("E-mail address").fill(story.owner.email);
  await page.getByRole("button", { name: "Continue" }).click();
  await look(page, "password");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("The address or the password is wrong").first().waitFor();
  await look(page, "password-wrong");
  await page.getByLabel("Password").fill(story.owner.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  assert.equal(path(page), "/o/acme");
  await look(page, "overview");

  await page.getByRole("link", { name: "People", exact: true }).click();
  await page.getByRole("link", { name: story.person.name }).waitFor();
  await look(page, "people");
  await page.getByRole("searchbox", { name: "Find by name" }).pressSequentially("nobody");
  await page.getByText("Nobody matches").waitFor();
  await look(page, "people-nobody");
  await page.getByRole("searchbox", { name: "Find by name" }).fill("ana");
  await page.getByRole("link", { name: story.person.name }).click();
  await page.getByRole("heading", { name: story.person.name }).waitFor();
  await look(page, "person");
  await page.getByRole("link", { name: "Revoke laptop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke laptop" }).waitFor();
  await look(page, "person-revoke-key");
  await page.getByRole("link", { name: "Change nothing" }).click();
  await page.getByRole("link", { name: "Deactivate and end 1 key and 1 session" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("laptop").waitFor();
  await look(page, "deactivate");
  assert.equal(await allowed(key), true, "nothing has ended yet");
  await dialog.getByRole("button", { name: "Deactivate and end" }).click();
  await page.getByText("Enter a reason").first().waitFor();
  await look(page, "deactivate-wrong");
  await page.getByLabel("Reason").fill("left the company");
  await page.getByRole("button", { name: "Deactivate and end 1 key and 1 session" }).click();
  await page.getByRole("heading", { name: `Access ended for ${story.person.name}` }).waitFor();
  assert.equal(await allowed(key), false, "the key died with the access");
  // It fills itself in: the node, and what ended, and then it asks no more.
  await page.getByText("Applied on 1 node").waitFor();
  await page.locator(".things").getByText("laptop").waitFor();
  await page.locator("#receipt:not([hx-get])").waitFor();
  await look(page, "receipt");
  const receipt = path(page);
  await page.emulateMedia({ media: "print" });
  await page.screenshot({ path: join(story.pictures, "receipt-print.png"), fullPage: true });
  await page.emulateMedia({ media: "screen" });

  await page.getByRole("link", { name: "Revocations" }).first().click();
  await page.getByRole("heading", { name: "Revocations" }).waitFor();
  await look(page, "revocations");
  await page.getByRole("link", { name: "Connections", exact: true }).click();
  await look(page, "connections");
  await page.getByRole("link", { name: "Overview", exact: true }).click();
  await page.getByText("left the company").or(page.getByText(story.person.name)).first().waitFor();
  await look(page, "overview-after");
  await page.getByRole("link", { name: story.person.name }).first().click();
  await page.getByText("may not act").waitFor();
  await look(page, "person-held");
  const held = path(page);
  await page.goto(`${story.url}/o/acme/nowhere`);
  await look(page, "nowhere");
  await page.goto(`${story.url}/docs`);
  await look(page, "docs");
  say("the owner ended the access and read the receipt");
  await page.goto(`${story.url}/o/acme`);
  await changesThePassword(page);
  const rooms = ["/o/acme", "/o/acme/people", "/o/acme/connections", "/o/acme/rules", "/o/acme/revocations", "/me/keys", "/me/keys/new", "/me/security", "/docs", "/login"];
  await isLightAndStill(page.context(), [...rooms, held, receipt]);
  return page;
};

const isRefused = async (page) => {
  await page.goto(`${story.url}/me/keys`);
  assert.equal(path(page), "/login", "the session is over");
  await signIn(page);
  await page.getByRole("heading", { name: /did not work|could not|not sign/i }).waitFor();
  await look(page, "login-failed");
  say("the person is refused");
};

const signsOut = async (page) => {
  await page.goto(story.url);
  await page.getByRole("button", { name: "menu" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("signed out").first().waitFor();
  await look(page, "signed-out");
  await page.goto(`${story.url}/o/acme`);
  assert.equal(path(page), "/login");
};

// A rule by the form that grows in place, its preview, its activation and the way back.
const writesARule = async (page) => {
  await page.goto(`${story.url}/o/acme/rules`);
  await look(page, "rules");
  await page.getByRole("link", { name: "Create rule" }).click();
  await page.getByRole("dialog").getByRole("heading", { name: "Create a rule" }).waitFor();
  await page.getByLabel("Name").fill("Browser admins");
  await page.getByRole("textbox", { name: "Group 1", exact: true }).fill("browser-admins");
  await page.getByRole("button", { name: "Add another group" }).click();
  await page.getByRole("textbox", { name: "Group 2", exact: true }).fill("browser-owners");
  assert.equal(await page.getByLabel("Name").inputValue(), "Browser admins");
  await page.getByLabel("Role 1", { exact: true }).selectOption("registry/admin");
  await look(page, "rule-form");
  await page.getByLabel("Name").press("Enter");
  await page.getByText("The rule is saved").waitFor();
  await page.getByRole("link", { name: "Preview and activate" }).click();
  await look(page, "rules-preview");
  await page.getByRole("button", { name: "Activate 2 rules" }).click();
  await page.getByText("The rules are in force").waitFor();
  await look(page, "rules-receipt");
  await page.getByRole("button", { name: "Undo change" }).click();
  await page.getByText("The last change is undone").waitFor();
  await page.goto(`${story.url}/o/acme/rules/test`);
  await page.getByLabel("Claims").fill("{}");
  await page.getByRole("button", { name: "Try the rules" }).click();
  await page.getByText("the claim is missing").waitFor();
  await look(page, "rules-test");
  say("the owner wrote, previewed, activated and undid a rule");
};

// What the org is, who owns it, what it has, who is in its account, a message to its owners, and the other accounts.
const looksAfterTheOrg = async (page) => {
  await page.goto(`${story.url}/o/acme`);
  await page.getByRole("link", { name: "Profile", exact: true }).click();
  await page.getByText("2 of 3").waitFor();
  await look(page, "profile");
  await page.getByRole("textbox", { name: "What people read about this org" }).fill("Models and data.");
  await page.getByRole("button", { name: "Save description" }).click();
  await page.getByText("The description is saved").waitFor();
  await page.getByRole("link", { name: `Remove ${story.second}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: `Remove ${story.second} as owner` }).waitFor();
  await look(page, "owner-remove");
  await page.getByRole("link", { name: "Change nothing" }).click();
  await page.getByRole("link", { name: "Add owner" }).click();
  await page.getByLabel("E-mail address").fill("boss@elsewhere.example");
  await page.getByRole("button", { name: "Invite as owner" }).click();
  await page.getByText("All owners have addresses of one domain").first().waitFor();
  await look(page, "owner-add-wrong");
  await page.getByLabel("E-mail address").fill("third@acme.test");
  await page.getByRole("button", { name: "Invite as owner" }).click();
  await page.getByText("The invitation is on its way").waitFor();
  await look(page, "profile-full");
  await page.getByRole("link", { name: "Subscriptions", exact: true }).click();
  await look(page, "subscriptions");
  await page.getByRole("link", { name: "Account users", exact: true }).click();
  await look(page, "account-users");
  await page.getByRole("link", { name: `Remove ${story.person.name}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove from the account" }).waitFor();
  await look(page, "account-remove");
  await page.getByRole("link", { name: "Change nothing" }).click();
  await page.getByRole("button", { name: "menu" }).click();
  await page.getByRole("link", { name: "Contact admin" }).click();
  await look(page, "contact");
  await page.getByRole("link", { name: "Team access request" }).click();
  await page.getByRole("button", { name: "Write the message" }).click();
  await page.getByText("Choose another team").waitFor();
  await look(page, "contact-team");
  await page.getByRole("button", { name: "Send to the owners" }).click();
  await page.getByText("Your message is on its way").waitFor();
  await page.getByRole("button", { name: "Org acme" }).click();
  await look(page, "switcher");
  await page.getByRole("link", { name: "View all accounts" }).click();
  await look(page, "accounts");
  await isLightAndStill(page.context(), ["/o/acme/profile", "/o/acme/subscriptions", "/a/acme/users", "/me/accounts", "/o/acme/contact"]);
  say("the owner looked after the org and its account");
};

// A service that was offered: handed on as far as the last question, then activated for an account that is there.
const activates = async (browser, page) => {
  const newcomer = await person(browser);
  await newcomer.goto(`${story.url}/activate/${story.newcomer}`);
  await newcomer.getByText("You are new here").waitFor();
  await look(newcomer, "activation-new");
  await newcomer.goto(`${story.url}/activate/${story.activation}`);
  await newcomer.getByRole("link", { name: "Sign in" }).waitFor();
  await look(newcomer, "activation-sign-in");
  await newcomer.goto(`${story.url}/activate/unknown`);
  await newcomer.getByText("This link is not known here").waitFor();
  await look(newcomer, "activation-unknown");

  await page.goto(`${story.url}/activate/${story.activation}`);
  assert.equal(await page.getByLabel("Name of the new account").isVisible(), false, "asked for only where it is needed");
  await page.getByRole("radio", { name: "A new account" }).check();
  await look(page, "activation");
  await page.getByRole("link", { name: "Hand it on" }).click();
  await page.getByLabel("Their e-mail address").fill("olga@acme.test");
  await look(page, "transfer");
  await page.getByRole("button", { name: "See what it does" }).click();
  await page.getByText("This cannot be undone").waitFor();
  await look(page, "transfer-confirm");
  await page.getByRole("link", { name: "Keep it" }).click();
  await page.getByRole("radio", { name: "acme" }).check();
  await page.getByRole("button", { name: "Activate" }).click();
  await page.getByRole("heading", { name: "is active" }).waitFor();
  await look(page, "activated");
  await page.getByRole("link", { name: "See the subscriptions" }).click();
  await page.getByText("ai_enterprise").waitFor();
  await page.goto(`${story.url}/activate/${story.activation}`);
  await page.getByText("This was activated already").waitFor();
  say("the owner activated a service");
};

// A team, and somebody asked to come in two steps: every page of the room on the way.
const managesPeople = async (page) => {
  await page.goto(`${story.url}/o/acme/people`);
  await page.getByLabel("Which people").selectOption("by_rules");
  await page.waitForURL(/show=by_rules/);
  await page.getByRole("link", { name: "Teams", exact: true }).click();
  await page.getByRole("heading", { name: "Teams", level: 1 }).waitFor();
  await look(page, "teams");
  await page.getByRole("link", { name: "Create team" }).click();
  await page.locator("#name").fill("Audio");
  await page.getByRole("button", { name: "Create team" }).click();
  await page.getByText("all in lower case").first().waitFor();
  await look(page, "team-new-wrong");
  await page.locator("#name").fill("audio");
  await page.getByRole("button", { name: "Create team" }).click();
  await page.getByText("The team is there").waitFor();
  await page.locator("#who").fill(story.person.email);
  await page.locator("#role").selectOption("registry/user");
  await page.getByRole("button", { name: "Give this role" }).click();
  await page.getByText("gives this user's roles").first().waitFor();
  assert.equal(await page.locator("#who").inputValue(), story.person.email);
  await look(page, "team-refused");

  await page.goto(`${story.url}/o/acme/people`);
  await page.getByRole("link", { name: "Add user" }).click();
  await page.getByText("Rules are the better way here").waitFor();
  await look(page, "add-user");
  await page.locator("#email").fill("nina@acme.test");
  await page.locator("#message").fill("Hello Nina");
  await page.getByRole("button", { name: "Add user and send invitation" }).click();
  await page.getByText("Now choose the roles").waitFor();
  await page.locator("#team").selectOption("audio");
  await page.locator("#role").selectOption("registry/user");
  await page.getByRole("button", { name: "Add this role" }).click();
  await page.getByText("The role is added").waitFor();
  await look(page, "invited");
  await page.getByRole("link", { name: "Invitations", exact: true }).first().click();
  await page.getByRole("heading", { name: "Invitations", level: 1 }).waitFor();
  await look(page, "invitations");
  await page.getByRole("link", { name: "Withdraw the invitation of nina@acme.test" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Withdraw invitation" }).waitFor();
  await look(page, "invitation-withdraw");
  await page.getByRole("dialog").getByRole("button", { name: "Withdraw invitation" }).click();
  await page.getByText("The invitation is withdrawn").waitFor();
  await page.goto(`${story.url}/o/acme/teams/audio`);
  await page.getByRole("link", { name: "End this team" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End audio" }).waitFor();
  await look(page, "team-end");
  await page.getByRole("dialog").getByRole("button", { name: "End audio" }).click();
  await page.getByText("The team has ended").waitFor();
  await isLightAndStill(page.context(), ["/o/acme/people/add", "/o/acme/teams", "/o/acme/teams/vision", "/o/acme/new-team", "/o/acme/invitations"]);
  say("the owner made a team, invited somebody and thought better of both");
};

// A machine's key in two steps, from a recipe: used, rotated and revoked. Then an app.
const looksAfterMachines = async (page) => {
  const dialog = page.getByRole("dialog");
  await page.goto(`${story.url}/o/acme`);
  await page.getByRole("link", { name: "Service keys", exact: true }).click();
  await page.getByText("The org has no service keys").waitFor();
  await look(page, "service-keys-empty");
  await page.getByRole("link", { name: "Create the first service key" }).click();
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByText("Enter a name").first().waitFor();
  await look(page, "service-key-wrong");
  await page.locator("#name").fill("pipeline");
  await page.getByRole("button", { name: "Private Registry: list, push, pull" }).click();
  await page.locator("#entities-0").waitFor();
  assert.equal(await page.locator("#name").inputValue(), "pipeline");
  assert.equal(await page.locator("#entities-0").inputValue(), "acme/*\nacme/*/*");
  await page.getByRole("button", { name: "NGC Catalog", exact: true }).click();
  await page.getByRole("button", { name: "Remove NGC Catalog" }).click();
  await page.locator("#entities-1").waitFor({ state: "detached" });
  await look(page, "service-key-new");
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByText("Nothing is made yet").waitFor();
  await look(page, "service-key-review");
  await page.getByRole("button", { name: "Create pipeline" }).click();
  await page.getByRole("heading", { name: "Store the key pipeline now" }).waitFor();
  await look(page, "service-keys-created");
  const key = await page.locator(".secret-value").innerText();
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await page.getByText("Copied").first().waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
  assert.equal(await allowed(key), true, "the machine is let in");
  await page.getByRole("link", { name: "I have stored it" }).click();
  await look(page, "service-keys");
  await page.getByRole("link", { name: "pipeline" }).click();
  await page.getByRole("heading", { name: "pipeline", level: 1 }).waitFor();
  await page.getByRole("link", { name: "Rotate" }).click();
  await dialog.getByRole("button", { name: "Rotate pipeline" }).waitFor();
  await look(page, "service-key-rotate");
  await dialog.getByRole("button", { name: "Rotate pipeline" }).click();
  await page.getByText("The one before it works until").waitFor();
  await look(page, "service-key-rotated");
  await page.getByRole("link", { name: "I have stored it" }).click();
  assert.equal(await allowed(key), true, "the old secret has its grace");
  await look(page, "service-key");
  await page.getByRole("button", { name: "End the old secret now" }).click();
  await page.getByText("The old secret has ended").waitFor();
  assert.equal(await allowed(key), false, "the old secret has ended");
  await page.getByRole("link", { name: "Revoke" }).click();
  await dialog.getByRole("button", { name: "Revoke pipeline" }).waitFor();
  await look(page, "service-key-revoke");
  await dialog.getByRole("button", { name: "Revoke pipeline" }).click();
  await page.getByText("The key is revoked").waitFor();

  await page.getByRole("link", { name: "Apps", exact: true }).click();
  await page.getByText("There are no apps").waitFor();
  await look(page, "apps-empty");
  await page.getByRole("link", { name: "Create the first app" }).click();
  await page.locator("#name").fill("nightly-report");
  await look(page, "app-new");
  await page.getByRole("button", { name: "Create app" }).click();
  await page.getByRole("heading", { name: "Store the secret of nightlyreport now" }).waitFor();
  await look(page, "apps-created");
  await page.getByRole("link", { name: "I have stored it" }).click();
  await look(page, "apps");
  await page.getByRole("link", { name: "New secret for nightlyreport" }).click();
  await dialog.getByRole("button", { name: "Make a new secret" }).waitFor();
  await look(page, "app-secret");
  await page.getByRole("link", { name: "Change nothing" }).click();
  await page.getByRole("link", { name: "Delete nightlyreport" }).click();
  await dialog.getByRole("button", { name: "Delete nightlyreport" }).waitFor();
  await look(page, "app-delete");
  await dialog.getByRole("button", { name: "Delete nightlyreport" }).click();
  await page.getByText("The app is deleted").waitFor();
  await isLightAndStill(page.context(), ["/o/acme/service-keys", "/o/acme/service-keys/new", "/o/acme/apps", "/o/acme/apps/new"]);
  say("the owner made a machine's key and an app, and ended both");
};

// Without a script everything still works.
const worksWithoutAScript = async (browser) => {
  const page = await person(browser, { javaScriptEnabled: false });
  await page.goto(story.url);
  await page.getByLabel("E-mail address").fill(story.owner.email);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByLabel("Password").fill(story.owner.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "People", exact: true }).click();
  await page.getByRole("searchbox", { name: "Find by name" }).fill("ana");
  await page.getByRole("button", { name: "Find" }).click();
  await page.getByRole("link", { name: story.person.name }).click();
  await page.getByRole("button", { name: "Reactivate" }).click();
  await page.getByText("may sign in again").waitFor();
  await page.getByRole("link", { name: "My API keys", exact: true }).first().click();
  await page.getByLabel("Name").fill("owner's key");
  await page.locator("#service-registry").check();
  await page.getByRole("button", { name: "Create key" }).click();
  assert.ok((await page.locator(".secret-value").innerText()).startsWith("cdap_"));
  await page.getByRole("link", { name: "I have stored it" }).click();
  await page.getByRole("link", { name: "Delete owner's key" }).click();
  await page.getByRole("button", { name: "Delete owner's key" }).click();
  await page.getByText("The key is deleted").waitFor();
  await page.getByRole("link", { name: "Identity provider rules", exact: true }).click();
  await page.getByRole("link", { name: "Create rule" }).click();
  await page.getByLabel("Name").fill("No script");
  await page.getByRole("button", { name: "Add another group" }).click();
  await page.getByRole("textbox", { name: "Group 2", exact: true }).fill("no-script");
  await page.getByRole("button", { name: "Remove group 1" }).click();
  assert.equal(await page.getByRole("textbox", { name: "Group 1", exact: true }).inputValue(), "no-script");
  await page.getByRole("button", { name: "Create rule" }).click();
  await page.getByRole("link", { name: "Delete No script" }).click();
  await page.getByRole("button", { name: "Delete No script" }).click();
  await page.getByText("The rule is deleted").waitFor();
  await page.getByRole("link", { name: "Profile", exact: true }).click();
  await page.getByRole("link", { name: `Remove ${story.second}` }).click();
  await page.getByRole("button", { name: `Remove ${story.second} as owner` }).waitFor();
  await page.getByRole("link", { name: "Change nothing" }).click();
  await page.goto(`${story.url}/me/accounts?q=nowhere`);
  await page.getByText("Nothing matches").waitFor();
  await page.goto(`${story.url}/o/acme/new-team`);
  await page.locator("#name").fill("plain");
  await page.getByRole("button", { name: "Create team" }).click();
  await page.getByRole("link", { name: "End this team" }).click();
  await page.getByRole("button", { name: "End plain" }).click();
  await page.getByText("The team has ended").waitFor();
  await page.getByRole("link", { name: "Service keys", exact: true }).click();
  await page.getByRole("link", { name: "Create the first service key" }).click();
  await page.locator("#name").fill("plain");
  await page.getByRole("button", { name: "Private Registry: list, push, pull" }).click();
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByRole("button", { name: "Back to the form" }).click();
  assert.equal(await page.locator("#name").inputValue(), "plain");
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByRole("button", { name: "Create plain" }).click();
  assert.ok((await page.locator(".secret-value").innerText()).startsWith("cdas_"));
  assert.deepEqual(page.complaints, []);
  say("and all of it works without a script");
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  const { page, key } = await makesAKey(browser);
  const owner = await endsIt(browser, key);
  await isRefused(page);
  await writesARule(owner);
  await looksAfterTheOrg(owner);
  await activates(browser, owner);
  await managesPeople(owner);
  await looksAfterMachines(owner);
  await worksWithoutAScript(browser);
  await signsOut(owner);
} finally {
  await browser.close();
}
