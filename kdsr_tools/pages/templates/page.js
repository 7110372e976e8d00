"use strict";
(() => {
  const $ = (id) => document.getElementById(id);

  // Theme: the system's, until the button is pressed.
  $("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const isDark = getComputedStyle(root).colorScheme.includes("dark");
    root.dataset.theme = isDark ? "light" : "dark";
    try { localStorage.setItem("kdsr-theme", root.dataset.theme); } catch (e) { /* no storage */ }
  });

  // Tables: a click on a column's head sorts by it, another turns the order round; empty cells stay last.
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      const value = (row) => {
        const cell = row.cells[column];
        if (cell.tagName === "TH") return cell.textContent.trim();
        return cell.dataset.sort === "" ? null : Number(cell.dataset.sort);
      };
      const rows = [...table.tBodies[0].rows].sort((a, b) => {
        const [one, other] = [value(a), value(b)];
        if (one === null || other === null) return (one === null) - (other === null);
        const order = typeof one === "number" ? one - other : one.localeCompare(other, undefined, { numeric: true });
        return descending ? -order : order;
      });
      table.tBodies[0].append(...rows);
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    }));
  }

  if (!$("viewer")) return;
  const views = JSON.parse($("views").textContent);
  const state = { set: 0, image: 0, setting: 0, left: 0, right: 0, flip: false, zoom: 2, cut: 50, x: 0, y: 0 };

  // Encoded pictures stay text in the page until they are looked at.
  const urls = new Map();
  const url = (block) => {
    if (!urls.has(block)) {
      const bytes = Uint8Array.from(atob($(`b${block}`).textContent), (letter) => letter.charCodeAt(0));
      urls.set(block, URL.createObjectURL(new Blob([bytes], { type: "image/webp" })));
    }
    return urls.get(block);
  };

  const view = () => views[state.set];
  const picture = () => view().pictures[state.image];
  const shown = () => picture().settings[state.setting];
  const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));

  /** What can be looked at: LQ, every model, GT where there is one. */
  const sources = () => {
    const { lq, sr, scores, errors, diagnosis } = shown();
    const models = view().models.map((name) => ({ name, block: sr[name], note: scores[name] || "", error: errors[name] }));
    const gt = picture().gt === null ? [] : [{ name: "GT", block: picture().gt, note: "original" }];
    const { note, details } = diagnosis || { note: "input", details: "" };
    return [{ name: "LQ", block: lq, note, details, pixels: true }, ...models, ...gt];
  };

  const fillSelect = (select, names, chosen) => {
    select.replaceChildren(...names.map((name, index) => new Option(name, index, false, index === chosen)));
  };

  const showImage = (image, source) => {
    image.hidden = source.block === undefined;
    if (source.block === undefined) return;
    image.src = url(source.block);
    image.className = source.pixels ? "pixels" : "";
    image.alt = `${picture().name}, ${view().settings[state.setting]}: ${source.name}`;
  };

  const showStage = () => {
    const list = sources();
    const [left, right] = [list[state.left], list[state.right]];
    const stage = $("stage");
    stage.style.aspectRatio = `${picture().width} / ${picture().height}`;
    stage.style.width = `min(100%, calc(74vh * ${picture().width / picture().height}))`;
    $("viewer").classList.toggle("flip", state.flip);
    showImage($("image-left"), state.flip ? right : left);
    showImage($("image-right"), right);
    const broken = [...new Set(state.flip ? [right] : [left, right])].filter((source) => source.error);
    $("broken").hidden = broken.length === 0;
    $("broken").textContent = broken.map((source) => `${source.name} failed: ${source.error}`).join("\n");
    fillSelect($("left"), list.map((source) => source.name), state.left);
    fillSelect($("right"), list.map((source) => source.name), state.right);
    $("left-score").textContent = left.note;
    $("right-score").textContent = right.note;
    $("status").textContent = `${picture().name}, ${view().settings[state.setting]}: ${state.flip ? "" : `${left.name} and `}${right.name}`;
    showSharpness();
    showCut();
  };

  /** Models that are steps from a faithful to a sharp one have a slider, which chooses the right one. */
  const showSharpness = () => {
    const steps = view().sharpness;
    $("sharpness-field").hidden = steps.length < 2;
    if (steps.length < 2) return;
    const step = steps.findIndex((item) => item.model + 1 === state.right);
    $("sharpness").max = steps.length - 1;
    if (step >= 0) $("sharpness").value = step;
    const text = step < 0 ? "–" : String(steps[step].sharpness);
    $("sharpness-value").textContent = text;
    $("sharpness").setAttribute("aria-valuetext", text);
  };

  const showCut = () => {
    $("stage").style.setProperty("--cut", `${state.cut}%`);
    $("handle").setAttribute("aria-valuenow", Math.round(state.cut));
  };

  const showTiles = () => {
    $("tiles").replaceChildren(...sources().map((source, index) => {
      const tile = document.createElement("button");
      tile.type = "button";
      tile.className = "tile";
      tile.setAttribute("aria-pressed", index === state.right);
      const pixels = document.createElement("div");
      if (source.block === undefined) pixels.textContent = "failed";
      else pixels.style.backgroundImage = `url(${url(source.block)})`;
      pixels.className = source.pixels || state.zoom > 2 ? "pixels" : "";
      const name = document.createElement("b");
      name.textContent = source.name;
      const note = document.createElement("span");
      note.textContent = source.note;
      tile.title = source.details || "";
      tile.append(pixels, name, note);
      tile.addEventListener("click", () => { state.right = index; showStage(); showTiles(); $("tiles").children[index].focus(); });
      return tile;
    }));
    // Beside a wide picture, three smaller ones in a row keep both equally high.
    const isWide = picture().width > 1.2 * picture().height;
    $("tiles").classList.toggle("many", sources().length > (isWide ? 4 : 6));
    showLens();
  };

  /** Show the same square in all tiles, and its frame in the picture. */
  const showLens = () => {
    const { width, height } = picture();
    const side = $("tiles").querySelector("div").clientWidth;
    const size = Math.min(side / state.zoom, width, height);
    state.x = clamp(state.x, size / 2, width - size / 2);
    state.y = clamp(state.y, size / 2, height - size / 2);
    const zoom = side / size;
    for (const tile of $("tiles").querySelectorAll(".tile div")) {
      tile.style.backgroundSize = `${width * zoom}px ${height * zoom}px`;
      tile.style.backgroundPosition = `${-(state.x - size / 2) * zoom}px ${-(state.y - size / 2) * zoom}px`;
    }
    const lens = $("lens").style;
    lens.left = `${((state.x - size / 2) / width) * 100}%`;
    lens.top = `${((state.y - size / 2) / height) * 100}%`;
    lens.width = `${(size / width) * 100}%`;
    lens.height = `${(size / height) * 100}%`;
  };

  const showThumbs = () => {
    $("thumbs").hidden = view().pictures.length < 2;
    $("thumbs").replaceChildren(...view().pictures.map((item, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", index === state.image);
      button.setAttribute("aria-label", item.name);
      button.title = item.name;
      const image = new Image(56, 56);
      image.src = item.thumbnail;
      image.alt = "";
      button.append(image);
      button.addEventListener("click", () => { goTo({ image: index }); $("thumbs").children[index].focus(); });
      return button;
    }));
  };

  const goToPlace = () => {
    const [left, top, size] = shown().place;
    state.x = left + size / 2;
    state.y = top + size / 2;
  };

  /** Go to another set, picture or setting; what exists there is shown. */
  const goTo = (target) => {
    const isOtherPicture = "image" in target || "set" in target;
    if ("set" in target && target.set !== state.set) state.image = 0;
    Object.assign(state, target);
    state.image = clamp(state.image, 0, view().pictures.length - 1);
    state.setting = clamp(state.setting, 0, view().settings.length - 1);
    const last = sources().length - 1;
    state.left = clamp(state.left, 0, last);
    state.right = clamp(state.right, 0, last);
    if (isOtherPicture) { showThumbs(); goToPlace(); }
    $("setting-field").hidden = view().settings.length < 2;
    $("setting").max = view().settings.length - 1;
    $("setting").value = state.setting;
    $("setting").setAttribute("aria-valuetext", view().settings[state.setting]);
    $("setting-name").textContent = view().settings[state.setting];
    showStage();
    showTiles();
  };

  const position = (event) => {
    const box = $("stage").getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const drag = (element, move) => {
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.stopPropagation();
      element.setPointerCapture(event.pointerId);
      move(event);
    });
    element.addEventListener("pointermove", (event) => { if (element.hasPointerCapture(event.pointerId)) move(event); });
  };
  const setCut = (value) => { state.cut = clamp(value, 0, 100); showCut(); };
  drag($("handle"), (event) => setCut(position(event)[0] * 100));
  drag($("stage"), (event) => {
    const [x, y] = position(event);
    state.x = x * picture().width;
    state.y = y * picture().height;
    showLens();
  });
  $("handle").addEventListener("keydown", (event) => {
    const target = { ArrowLeft: state.cut - 2, ArrowRight: state.cut + 2, Home: 0, End: 100 }[event.key];
    if (target === undefined) return;
    setCut(target);
    event.preventDefault();
    event.stopPropagation();
  });

  const turn = (value, step, count) => (value + step + count) % count;
  const setMode = (flip) => {
    state.flip = flip;
    for (const input of document.getElementsByName("mode")) input.checked = (input.value === "flip") === flip;
    showStage();
  };
  const keys = {
    ArrowLeft: () => goTo({ right: turn(state.right, -1, sources().length) }),
    ArrowRight: () => goTo({ right: turn(state.right, 1, sources().length) }),
    ArrowUp: () => goTo({ image: turn(state.image, -1, view().pictures.length) }),
    ArrowDown: () => goTo({ image: turn(state.image, 1, view().pictures.length) }),
    "[": () => goTo({ setting: state.setting - 1 }),
    "]": () => goTo({ setting: state.setting + 1 }),
    f: () => setMode(!state.flip),
  };
  $("viewer").addEventListener("keydown", (event) => {
    const isControl = event.target.closest("select, input");
    const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || isControl || event.ctrlKey || event.metaKey || event.altKey) return;
    const focused = document.activeElement.closest(".tile, .thumbs button") ? $("viewer") : null;
    action();
    if (focused) focused.focus({ preventScroll: true });
    event.preventDefault();
  });

  $("set").addEventListener("change", (event) => goTo({ set: Number(event.target.value) }));
  $("setting").addEventListener("input", (event) => goTo({ setting: Number(event.target.value) }));
  $("sharpness").addEventListener("input", (event) => goTo({ right: view().sharpness[Number(event.target.value)].model + 1 }));
  $("left").addEventListener("change", (event) => goTo({ left: Number(event.target.value) }));
  $("right").addEventListener("change", (event) => goTo({ right: Number(event.target.value) }));
  for (const input of document.getElementsByName("mode")) input.addEventListener("change", () => setMode(input.value === "flip"));
  for (const input of document.getElementsByName("zoom")) {
    input.addEventListener("change", () => { state.zoom = Number(input.value); showTiles(); });
  }
  for (const button of document.querySelectorAll(".crop .link")) {
    button.addEventListener("click", () => {
      const { set, image, setting } = button.dataset;
      goTo({ set: Number(set), image: Number(image), setting: Number(setting) });
      $("pictures").scrollIntoView();
      $("viewer").focus({ preventScroll: true });
    });
  }
  addEventListener("resize", showLens);

  fillSelect($("set"), views.map((item) => item.name), 0);
  $("set-field").hidden = views.length < 2;
  state.left = 1;
  state.right = Math.max(sources().length - (picture().gt === null ? 1 : 2), 0);
  state.setting = Math.floor(view().settings.length / 2);
  goTo({ set: 0, image: 0 });
})();
