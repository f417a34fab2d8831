// Listens to Sendtrail's live push and goes on where a lost connection ended (docs/live.md).
//
// Both functions take
//   origin   where the projector answers
//   token    of POST /api/auth/login
//   wishes   the address's part that names what to hear of, "" for everything
//   heard    called with each event: {type, cursor, data}
//   missed   called when more was missed than is kept: fetch anew what is shown
// and return a function that ends the listening.

const KINDS = ["message.status", "message.inbound", "job.progress", "task.status"];
const FIRST_PAUSE = 500; // milliseconds
const LONGEST_PAUSE = 15_000;
const SIGNED_OUT = 1008;

export function listenBySocket({ origin, token, wishes, heard, missed }) {
  const state = { cursor: null, pause: FIRST_PAUSE, isOver: false, socket: null };

  function connect() {
    const address = addressOf(origin, "/api/v1/im/ws", wishes, { cursor: state.cursor });
    // A browser's WebSocket carries no header: the token is the second subprotocol.
    state.socket = new WebSocket(address.replace(/^http/, "ws"), ["bearer", token]);
    state.socket.onmessage = ({ data }) => take(state, JSON.parse(data), heard, missed);
    state.socket.onclose = ({ code }) => {
      if (!state.isOver && code !== SIGNED_OUT) again(state, connect);
    };
  }

  connect();
  return () => {
    state.isOver = true;
    state.socket.close();
  };
}

export function listenByStream({ origin, token, wishes, heard, missed }) {
  const state = { cursor: null, pause: FIRST_PAUSE, isOver: false, source: null };

  async function connect() {
    // Nor does an EventSource: a ticket opens it, for half a minute. So we connect again ourselves,
    // with a fresh one, and with the cursor that the browser would have sent as Last-Event-ID.
    const ticket = await ticketOf(origin, token).catch(() => null);
    if (state.isOver) return;
    if (ticket === null) {
      again(state, connect);
      return;
    }
    const more = { ticket, cursor: state.cursor };
    state.source = new EventSource(addressOf(origin, "/api/v1/im/events", wishes, more));
    for (const kind of [...KINDS, "hello", "cursor", "gap", "bye"]) {
      state.source.addEventListener(kind, ({ data }) =>
        take(state, JSON.parse(data), heard, missed),
      );
    }
    state.source.onerror = () => {
      state.source.close();
      if (!state.isOver) again(state, connect);
    };
  }

  connect();
  return () => {
    state.isOver = true;
    state.source?.close();
  };
}

function take(state, frame, heard, missed) {
  state.pause = FIRST_PAUSE;
  state.cursor = frame.cursor ?? state.cursor;
  if (frame.type === "gap") missed();
  if (KINDS.includes(frame.type)) heard(frame);
}

function again(state, connect) {
  // A different moment for each page: a restart must not meet all of them at once.
  setTimeout(connect, state.pause * (0.5 + Math.random()));
  state.pause = Math.min(state.pause * 2, LONGEST_PAUSE);
}

async function ticketOf(origin, token) {
  const answer = await fetch(`${origin}/api/v1/im/ws-ticket`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
  });
  if (!answer.ok) throw new Error(`no ticket: ${answer.status}`);
  return (await answer.json()).data.ticket;
}

function addressOf(origin, path, wishes, more) {
  const query = new URLSearchParams(wishes);
  for (const [name, value] of Object.entries(more)) {
    if (value !== null) query.set(name, value);
  }
  return `${origin}${path}?${query}`;
}
