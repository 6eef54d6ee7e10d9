// Every page of the console, filled with sample data, in a real browser: light and dark, wide and narrow. The test
// `every_page_holds_in_a_real_browser` of `cardea-web` writes the pages and runs this. SCREENSHOTS=folder keeps a picture
// of each; PAGES=keys,person looks at these only.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";

const here = fileURLToPath(new URL(".", import.meta.url));
const folder = process.env.PREVIEW ?? join(here, "../../target/console-preview");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = process.env.SCREENSHOTS;
const chosen = process.env.PAGES ? process.env.PAGES.split(",") : undefined;
const pages = readdirSync(folder).filter((name) => name.endsWith(".html")).map((name) => name.slice(0, -5)).filter((name) => !chosen || chosen.includes(name));

const types = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2" };
// The policy of `console::CONTENT_SECURITY_POLICY`, read from its source so that it stands in one place.
const source = readFileSync(join(here, "../../crates/web/src/console/mod.rs"), "utf8");
const policy = source.match(/CONTENT_SECURITY_POLICY: &str = "([^"]*)"/)[1].replace(/\\\n\s*/g, "");

// What the pages lead to, as far as they are driven here.
const routes = [
  [/\/assets\/[^/]+$/, (url) => url.pathname.slice(url.pathname.lastIndexOf("/assets/"))],
  [/^\/me\/keys\/[^/]+\/delete$/, () => "/keys-delete.html"],
  [/^\/o\/[^/]+\/people\/[^/]+\/deactivate$/, () => "/deactivate.html"],
  [/^\/o\/[^/]+\/service-keys\/[^/]+\/revoke$/, () => "/service-key-revoke.html"],
  [/^\/o\/[^/]+\/rules\/[^/]+\/delete$/, () => "/rule-delete.html"],
  [/^\/o\/[^/]+\/people$/, (url) => (url.searchParams.get("q") ? "/people-nobody.html" : "/people.html")],
  [/^\/o\/[^/]+\/revocations\/[^/]+$/, () => "/receipt.html"],
];

let server, browser, profile, origin, sent;

before(async () => {
  server = createServer((request, response) => {
    const url = new URL(request.url, "http://preview");
    const route = routes.find(([pattern]) => pattern.test(url.pathname));
    const path = route ? route[1](url) : url.pathname;
    let body;
    try {
      body = readFileSync(join(folder, path));
    } catch {
      response.writeHead(404).end();
      return;
    }
    const zipped = path.endsWith(".woff2") ? body : gzipSync(body);
    sent += zipped.length;
    const headers = { "Content-Type": types[extname(path)], "Content-Security-Policy": policy, "Cache-Control": "no-store" };
    if (zipped !== body) headers["Content-Encoding"] = "gzip";
    response.writeHead(200, headers).end(zipped);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  origin = `http://127.0.0.1:${server.address().port}`;
  profile = mkdtempSync(join(tmpdir(), "cardea-browser-"));
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  if (pictures) mkdirSync(pictures, { recursive: true });
});

after(async () => {
  await browser?.close();
  server?.close();
  if (profile) rmSync(profile, { recursive: true, force: true });
});

const complaintsOfAxe = async (page) => {
  // Playwright evaluates outside the page's policy.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  return violations.map((found) => `${found.id}: ${found.nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join(" | ")}`);
};

const open = async (name, { width, colorScheme, javaScriptEnabled = true }) => {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"], viewport: { width, height: 900 }, colorScheme, javaScriptEnabled, reducedMotion: "reduce" });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.addInitScript(() => {
    window.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  sent = 0;
  await page.goto(`${origin}/${name}.html`);
  // Two frames after the fonts have come, whatever moves has moved. Without a script, nothing would say when that is.
  if (javaScriptEnabled) await page.evaluate(() => document.fonts.ready.then(() => new Promise((settled) => requestAnimationFrame(() => requestAnimationFrame(settled)))));
  return { page, context, complaints };
};

for (const name of pages) {
  for (const width of [1440, 390]) {
    test(`${name}, ${width} px`, async () => {
      const { page, context, complaints } = await open(name, { width, colorScheme: "light" });
      assert.ok(sent > 10_000 && sent <= 60 * 1024, `${sent} bytes were sent`);
      assert.equal(await page.evaluate(() => window.shift), 0, "the layout moved");
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(wider <= 0, `the page scrolls sideways by ${wider} px`);
        if (pictures) await page.screenshot({ path: join(pictures, `${name}-${width}-${colorScheme}.png`), fullPage: true });
        assert.deepEqual(await complaintsOfAxe(page), [], colorScheme);
      }
      assert.deepEqual(complaints, []);
      await context.close();
    });
  }
}

const story = (title, name, settings, act) => test(title, { skip: chosen !== undefined && !chosen.includes(name) }, async () => {
  const { page, context, complaints } = await open(name, { width: 1440, colorScheme: "light", ...settings });
  await act(page);
  assert.deepEqual(complaints, []);
  await context.close();
});

for (const [name, link, effect] of [["keys", "Delete laptop", "Delete laptop"], ["person", "Deactivate and end 3 keys and 2 sessions", "Deactivate and end 3 keys and 2 sessions"], ["rules", "Delete AIE admins", "Delete AIE admins"], ["service-key", "Revoke", "Revoke build pipeline, push images"]]) {
  story(`${name}: a consequence is shown over the page, and Escape changes nothing`, name, {}, async (page) => {
    await page.getByRole("link", { name: link }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: effect }).waitFor();
    if (pictures) await page.screenshot({ path: join(pictures, `${name}-dialog.png`) });
    assert.deepEqual(await complaintsOfAxe(page), []);
    await page.keyboard.press("Escape");
    assert.equal(await dialog.count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement.textContent.trim()), link);
  });
}

story("keys: without a script the consequence has a page of its own", "keys", { javaScriptEnabled: false }, async (page) => {
  await page.getByRole("link", { name: "Delete laptop" }).click();
  assert.ok(await page.getByRole("button", { name: "Delete laptop" }).isVisible());
});

story("keys-created: the key is copied and downloaded whole", "keys-created", {}, async (page) => {
  const key = await page.locator(".secret-value").innerText();
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByText("Copied").first().waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
  assert.equal(file.suggestedFilename(), "laptop.key");
  assert.equal(readFileSync(await file.path(), "utf8").trim(), key);
});

story("keys-created: without a script no button is shown that does nothing", "keys-created", { javaScriptEnabled: false }, async (page) => {
  assert.equal(await page.getByRole("button", { name: "Copy" }).count(), 0);
  assert.ok(await page.getByRole("link", { name: "I have stored it" }).isVisible());
});

story("overview: orgs are found as one types, and the menu signs out", "overview", {}, async (page) => {
  await page.getByRole("button", { name: "Org acme-vision" }).click();
  if (pictures) await page.screenshot({ path: join(pictures, "menu-orgs.png") });
  assert.deepEqual(await complaintsOfAxe(page), []);
  await page.getByRole("searchbox", { name: "Find an org" }).fill("north");
  assert.equal(await page.locator("#org-list li:visible").count(), 1);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Ana Ruiz: menu" }).click();
  if (pictures) await page.screenshot({ path: join(pictures, "menu-me.png") });
  assert.ok(await page.getByRole("button", { name: "Sign out" }).isVisible());
});

story("people: the table follows what is typed, and so does the address", "people", {}, async (page) => {
  await page.getByRole("searchbox").pressSequentially("zzz");
  await page.getByText("Nobody matches").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("q"), "zzz");
});

story("receipt-live: it fills itself in and then asks no more", "receipt-live", {}, async (page) => {
  await page.getByText("Applied on 4 nodes").waitFor();
  assert.equal(await page.locator("[hx-get]").count(), 0);
});

story("keys-first: the date is asked for only where it is needed", "keys-first", {}, async (page) => {
  const date = page.getByLabel("Last day");
  assert.equal(await date.isVisible(), false);
  await page.getByLabel("Expires after").selectOption("custom");
  assert.ok(await date.isVisible());
});

story("service-keys-created: the secret is copied whole", "service-keys-created", {}, async (page) => {
  const key = await page.locator(".secret-value").innerText();
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByText("Copied").first().waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
});

story("receipt: printed, it is evidence and nothing else", "receipt", {}, async (page) => {
  await page.emulateMedia({ media: "print" });
  if (pictures) await page.screenshot({ path: join(pictures, "receipt-print.png"), fullPage: true });
  assert.equal(await page.getByRole("navigation", { name: "Rooms" }).isVisible(), false);
  assert.ok(await page.getByText("2026-11-21 09:58:25.218 UTC").isVisible());
});
