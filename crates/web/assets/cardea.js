// What the console does better with a script. Every page works without it.

const told = document.createElement("div");
told.className = "unseen";
told.setAttribute("role", "status");
document.body.append(told);

const tell = (text) => {
  told.textContent = "";
  requestAnimationFrame(() => { told.textContent = text; });
};

// Copying: `data-copy` holds the text. The check mark stands for a moment where the copy mark was.
const copy = async (button) => {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    tell("Not copied: the browser refused. Select the text and copy it.");
    return;
  }
  const label = button.dataset.said && button.querySelector("span");
  const before = label && label.textContent;
  button.classList.add("done");
  if (label) label.textContent = button.dataset.said;
  tell("Copied");
  setTimeout(() => {
    button.classList.remove("done");
    if (label) label.textContent = before;
  }, 1500);
};

// Downloading: `data-download` is the file's name, `data-text` its content. Nothing leaves the page.
const download = (button) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${button.dataset.text}\n`], { type: "text/plain" }));
  link.download = button.dataset.download.replace(/[^\p{L}\p{N}._-]+/gu, "-");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};

// A link with `data-dialog` leads to a page of its own. Its `data-dialog-body` is shown over this page instead.
const show = async (link) => {
  let body;
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    body = answer.ok && page.querySelector("[data-dialog-body]");
  } catch {
    body = null;
  }
  if (!body) {
    location.assign(link.href);
    return;
  }
  const dialog = document.createElement("dialog");
  const title = body.querySelector("h1");
  const heading = document.createElement("h2");
  heading.append(...title.childNodes);
  heading.id = title.id;
  title.replaceWith(heading);
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.append(document.adoptNode(body));
  dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
  document.body.append(dialog);
  window.htmx?.process(dialog);
  dialog.showModal();
};

document.addEventListener("click", (event) => {
  const on = (selector) => event.target.closest(selector);
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = plain && on("a[data-dialog]");
  if (link && window.HTMLDialogElement) {
    event.preventDefault();
    show(link);
  } else if (on("dialog [data-close]")) {
    event.preventDefault();
    on("dialog").close();
  } else if (on("[data-copy]")) {
    copy(on("[data-copy]"));
  } else if (on("[data-download]")) {
    download(on("[data-download]"));
  } else if (on("[data-print]")) {
    print();
  } else if (event.target instanceof HTMLDialogElement && !event.target.querySelector("textarea")) {
    // What was typed at length is not lost by a click beside it.
    event.target.close();
  }
});

// A field with `data-filter` hides the entries of a list that do not hold what was typed.
document.addEventListener("input", (event) => {
  const list = document.getElementById(event.target.dataset.filter);
  const typed = event.target.value.trim().toLowerCase();
  for (const entry of list ? list.children : []) entry.hidden = !entry.textContent.toLowerCase().includes(typed);
});

// Relative times go on; the words are those of `console/time.rs`.
const relative = (at, now) => {
  const seconds = Math.floor(Math.abs(now - at) / 1000);
  const past = at <= now;
  const days = Math.round(seconds / 86400);
  let number, unit;
  if (seconds < 45) return past ? "just now" : "in a moment";
  if (seconds < 3600) [number, unit] = [Math.round(seconds / 60), "minute"];
  else if (seconds < 86400) [number, unit] = [Math.round(seconds / 3600), "hour"];
  else if (days < 60) [number, unit] = [days, "day"];
  else if (days < 730) [number, unit] = [Math.floor((days + 15) / 30), "month"];
  else [number, unit] = [Math.floor(days / 365), "year"];
  const words = `${number} ${unit}${number === 1 ? "" : "s"}`;
  return past ? `${words} ago` : `in ${words}`;
};
// Counted from the server's clock at the first paint, so that a wrong clock here tells no lies.
const started = performance.now();
const clocks = () => {
  const now = Date.parse(document.documentElement.dataset.now) + performance.now() - started;
  if (Number.isNaN(now)) return;
  for (const time of document.querySelectorAll("time:not([data-exact])")) {
    const text = relative(Date.parse(time.dateTime), now);
    if (time.textContent !== text) time.textContent = text;
  }
};
setInterval(clocks, 15000);

// Where the rooms stand in a row that is wider than the page, the one that is open is in sight.
document.querySelector(".rooms [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// After a form came back with problems, the summary is read first.
document.querySelector("[data-focus]")?.focus();

// On a narrow window the rooms are a row that scrolls: the one that is open is in sight.
document.querySelector(".rooms [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// A form that only carries the browser on: nobody has to press its button.
document.querySelector("form[data-at-once]")?.submit();
