// Opens both hubs with the reference client, trades, and prints what came as one line of JSON.
// Arguments: the client's folder, the gateway's URL, user, key, and `skip` to connect without negotiation.
"use strict";

const [folder, url, user, key, way] = process.argv.slice(2);
const signalR = require(`${folder}/node_modules/@microsoft/signalr`);

const MARKET = ["GatewayQuote", "GatewayTrade", "GatewayDepth"];
const USER = ["GatewayUserOrder", "GatewayUserTrade", "GatewayUserPosition", "GatewayUserAccount"];

let token;
async function post(path, body) {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "text/plain", Authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

function open(hub) {
  const options =
    way === "skip"
      ? { skipNegotiation: true, transport: signalR.HttpTransportType.WebSockets, timeout: 10000 }
      : {};
  return new signalR.HubConnectionBuilder()
    .withUrl(`${url}/hubs/${hub}`, { ...options, accessTokenFactory: () => token })
    .withAutomaticReconnect([0, 200, 1000])
    .configureLogging(signalR.LogLevel.Error)
    .build();
}

function gather(connection, targets) {
  const first = {};
  const all = targets.map(
    (target) =>
      new Promise((resolve) =>
        connection.on(target, (...values) => {
          first[target] ??= values;
          resolve();
        }),
      ),
  );
  return [first, Promise.all(all)];
}

async function main() {
  token = (await post("/api/Auth/loginKey", { userName: user, apiKey: key })).token;
  const [account] = (await post("/api/Account/search", { onlyActiveAccounts: true })).accounts;
  const contracts = (await post("/api/Contract/search", { searchText: "MNQ", live: false })).contracts;
  const contract = contracts.find((row) => row.symbolId === "F.US.MNQ").id;

  const market = open("market");
  const mine = open("user");
  const [quotes, marketTold] = gather(market, MARKET);
  const [events, userTold] = gather(mine, USER);
  const subscribe = async () => {
    for (const thing of ["Quotes", "Trades", "MarketDepth"])
      await market.invoke(`SubscribeContract${thing}`, contract);
  };
  await Promise.all([market.start(), mine.start()]);
  await subscribe();
  await mine.invoke("SubscribeAccounts");
  for (const thing of ["Orders", "Positions", "Trades"]) await mine.invoke(`Subscribe${thing}`, account.id);
  await post("/api/Order/place", { accountId: account.id, contractId: contract, type: 2, side: 0, size: 1 });
  await post("/__emu/move", { contract: "MNQ", ticks: 8 });
  await Promise.all([marketTold, userTold]);

  const refusal = await mine.invoke("Heartbeat").catch((error) => error.message);

  // cut without a word: the client comes back by itself, and has to subscribe again
  const back = new Promise((resolve) => market.onreconnected(resolve));
  await post("/__emu/drop", { hub: "market" });
  await back;
  const again = new Promise((resolve) => market.on("GatewayQuote", resolve));
  await subscribe();
  await again;

  const loggedOut = new Promise((resolve) => mine.on("gatewaylogout", (...values) => resolve(values)));
  await post("/__emu/kick", { hub: "user" });
  const logout = await loggedOut;
  await Promise.all([market.stop(), mine.stop()]);
  return { account: account.id, contract, quotes, events, refusal, logout };
}

main().then(
  (told) => {
    console.log(JSON.stringify(told));
    process.exit(0);
  },
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
