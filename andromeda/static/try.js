// Tries a request of the documentation and shows what came back. Without it the forms are plain links.
"use strict";

const SHOWN_CHARACTERS = 4000;
const SHOWN_HEADERS = ["content-type", "content-encoding", "etag", "cache-control", "cache-status", "x-served-by", "warning"];

function address(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  for (const input of form.querySelectorAll("input")) {
    if (input.dataset.in === "path") {
      path = path.replace(`{${input.name}}`, input.value.split("/").map(encodeURIComponent).join("/"));
    } else if (input.value !== "") {
      query.set(input.name, input.value);
    }
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

function readable(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function shortened(text) {
  if (text.length <= SHOWN_CHARACTERS) return text;
  return `${text.slice(0, SHOWN_CHARACTERS)}\n… and ${(text.length - SHOWN_CHARACTERS).toLocaleString()} characters more`;
}

function block(text) {
  const pre = document.createElement("pre");
  pre.textContent = text;
  return pre;
}

async function attempt(form) {
  const output = form.querySelector("output");
  const began = performance.now();
  const path = address(form);
  output.classList.add("shown");
  try {
    const response = await fetch(path);
    const body = await response.text();
    const milliseconds = (performance.now() - began).toFixed(1);
    const head = SHOWN_HEADERS.filter((name) => response.headers.has(name)).map((name) => `${name}: ${response.headers.get(name)}`);
    output.replaceChildren(
      block([`GET ${path}`, `${response.status} ${response.statusText}, ${milliseconds} ms`, ...head].join("\n")),
      block(shortened(readable(body))),
    );
  } catch (error) {
    output.replaceChildren(block(`GET ${path}\n${error}`));
  }
}

for (const form of document.querySelectorAll("form.try")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(form);
  });
}
