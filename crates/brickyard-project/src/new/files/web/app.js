// The page asks the app's own API and shows what comes back.
const at = (id) => document.getElementById(id);

const call = async (path, body) => {
    const options = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const answer = await fetch(`/api/${path}`, options);
    const data = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(data.error ?? data.detail ?? `The app answered ${answer.status}`);
    return data;
};

const guard = (work) => work().catch((error) => {
    at("error").hidden = false;
    at("error").textContent = error.message;
});

const row = (cells) => {
    const line = document.createElement("tr");
    line.append(...cells.map((cell) => Object.assign(document.createElement("td"), { textContent: cell })));
    return line;
};

const box = (text, small) => {
    const note = Object.assign(document.createElement("div"), { className: "note", textContent: text });
    if (small) note.append(Object.assign(document.createElement("small"), { textContent: small }));
    return note;
};

const onSubmit = (id, work) => at(id).addEventListener("submit", (event) => {
    event.preventDefault();
    guard(() => work(Object.fromEntries(new FormData(event.target)), event.target));
});

guard(async () => {
    at("who").textContent = `Signed in as ${(await call("user")).name}`;
});
%%if warehouse

guard(async () => {
    const { summary, hours, trips } = await call("trips");
    const numbers = {
        Trips: summary.trips.toLocaleString("en"),
        "Average fare": `$${summary.average_fare.toFixed(2)}`,
        "Average distance": `${summary.average_distance.toFixed(1)} mi`,
        "Busiest hour": `${summary.busiest_hour}:00`,
    };
    for (const [name, value] of Object.entries(numbers)) {
        const card = Object.assign(document.createElement("div"), { className: "kpi" });
        card.append(
            Object.assign(document.createElement("span"), { textContent: name }),
            Object.assign(document.createElement("strong"), { textContent: value }),
        );
        at("numbers").append(card);
    }
    const most = Math.max(...hours.map((entry) => entry.trips));
    for (const { hour, trips: count } of hours) {
        const bar = document.createElement("div");
        bar.style.height = `${(100 * count) / most}%`;
        bar.title = `${hour}:00 · ${count} trips`;
        if (hour % 6 === 0) bar.dataset.label = `${hour}:00`;
        at("chart").append(bar);
    }
    at("rows").append(...trips.map((trip) =>
        row([trip.pickup, trip.pickup_zip, trip.dropoff_zip, trip.distance.toFixed(1), `$${trip.fare.toFixed(2)}`])));
});
%%end
%%if lakebase

const showNotes = async () => at("note-list").replaceChildren(
    ...(await call("notes")).map((note) => box(note.text, `${note.author} · ${note.created}`)));
guard(showNotes);
onSubmit("note-form", async (fields, form) => {
    await call("notes", fields);
    form.reset();
    await showNotes();
});
%%end
%%if sdk

guard(async () => {
    const { identity, warehouses } = await call("workspace");
    at("identity").textContent = identity;
    at("warehouses").append(...warehouses.map(({ name, state, size }) => row([name, state, size])));
});
%%end
%%if serving

onSubmit("chat-form", async (fields, form) => {
    at("talk").append(box(fields.question, "You"));
    form.reset();
    at("talk").append(box((await call("chat", fields)).answer, "Model"));
});
%%end
%%if functions

onSubmit("greet-form", async (fields) => {
    at("greeting").textContent = (await call("greet", fields)).answer;
});
%%end
