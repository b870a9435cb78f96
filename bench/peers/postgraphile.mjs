// PostGraphile 5 with the Amber preset; row security through settings of the transaction.
// Only the tables that are asked for are shown, and lists may be ordered by any column.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { makeV4Preset } from "postgraphile/presets/v4";
import { pgSmartTags } from "postgraphile/utils";

const SHOWN = new Set(["client", "trading_account", "account_state", "payment", "ib", "client_note"]);

const preset = {
  extends: [PostGraphileAmberPreset, makeV4Preset({ simpleCollections: "omit", dynamicJson: true })],
  plugins: [pgSmartTags([{
    kind: "class",
    match: ({ relname }) => !SHOWN.has(relname),
    tags: { behavior: ["-*"] },
  }])],
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  pgServices: [makePgService({
    connectionString: process.env.PEER_DATABASE, schemas: ["public"], pubsub: false,
    poolConfig: { max: 8, min: 8 },
  })],
  grafast: {
    context({ node }) {
      return { pgSettings: { "app.brand_id": node?.req.headers["x-brand"] ?? "" } };
    },
  },
  grafserv: { port: Number(process.env.PORT), graphiql: false, watch: false, websockets: false },
};
const serv = postgraphile(preset).createServ(grafserv);
const server = createServer();
await serv.addTo(server);
server.listen(Number(process.env.PORT), "127.0.0.1");
