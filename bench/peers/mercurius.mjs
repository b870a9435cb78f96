// Mercurius on Fastify with its JIT, and loaders written by hand: one statement for each level.
// The brand comes from a header and is set on the transaction, as row security wants it.
import Fastify from "fastify";
import mercurius from "mercurius";
import pg from "pg";

const pool = new pg.Pool({ connectionString: process.env.PEER_DATABASE, max: 8, min: 8 });
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => text.replace(" ", "T").replace(/\+00$/, "Z"));

const schema = `
  type Money { amount: String! currencyCode: String! }
  type State { balance: Money! equity: Money! }
  type Account {
    id: ID! login: String! currencyCode: String! leverage: Int! status: String! state: State
  }
  type Payment {
    id: ID! reference: String! status: String! amount: Money! createdAt: String! client: Client!
  }
  type Client {
    id: ID! name: String! email: String! phone: String country: String! status: String!
    createdAt: String! accounts(first: Int!): [Account!]! payments(first: Int!): [Payment!]!
  }
  type Ib { id: ID! name: String! level: Int! clientsCount: Int! children(first: Int!): [Ib!]! }
  type Note { id: ID! body: String! createdAt: String! }
  type Query {
    client(id: ID!): Client
    clients(first: Int!): [Client!]!
    payments(first: Int!, status: String!): [Payment!]!
    ib(id: ID!): Ib
  }
  type Mutation { noteCreate(clientId: ID!, body: String!): Note! }
`;

const CLIENT = `id, name, email, phone, country, status, created_at as "createdAt"`;
const PAYMENT = `id, reference, status, amount_minor, currency, created_at as "createdAt", client_id`;

function money(minor, currencyCode) {
  if (currencyCode === "JPY") return { amount: minor, currencyCode };
  const digits = minor.padStart(3, "0");
  return { amount: `${digits.slice(0, -2)}.${digits.slice(-2)}`, currencyCode };
}

// One connection a request, taken at its first statement; begin and setting go in one call.
class Work {
  constructor(brand) {
    this.brand = brand;
    this.taken = null;
  }

  async rows(name, text, values) {
    this.taken ??= this.begin();
    const connection = await this.taken;
    return (await connection.query({ name, text, values: [this.brand, ...values] })).rows;
  }

  async begin() {
    const connection = await pool.connect();
    await connection.query(`begin; set local app.brand_id = '${this.brand}'`);
    return connection;
  }

  async end() {
    if (this.taken === null) return;
    const connection = await this.taken;
    this.taken = null;
    await connection.query("commit");
    connection.release();
  }
}

const paid = (row) => ({ ...row, amount: money(row.amount_minor, row.currency) });

const resolvers = {
  Query: {
    async client(_, { id }, { work }) {
      const text = `select ${CLIENT} from client where brand_id = $1 and id = $2`;
      return (await work.rows("client", text, [id]))[0];
    },
    clients(_, { first }, { work }) {
      const text = `select ${CLIENT} from client where brand_id = $1
        order by created_at desc, id desc limit $2`;
      return work.rows("clients", text, [first]);
    },
    async payments(_, { first, status }, { work }) {
      const text = `select ${PAYMENT} from payment where brand_id = $1 and status = $3
        order by created_at desc, id desc limit $2`;
      return (await work.rows("payments", text, [first, status])).map(paid);
    },
    async ib(_, { id }, { work }) {
      const text = `select id, name, level, client_count as "clientsCount" from ib
        where brand_id = $1 and id = $2`;
      return (await work.rows("ib", text, [id]))[0];
    },
  },
  Mutation: {
    async noteCreate(_, { clientId, body }, { work }) {
      const text = `insert into client_note (brand_id, id, client_id, body, created_at)
        values ($1, gen_random_uuid(), $2, $3, now()) returning id, body, created_at as "createdAt"`;
      return (await work.rows("note", text, [clientId, body]))[0];
    },
  },
};

// What hangs below each of many rows, in the order in which they were asked for.
function below(columns, tables, on) {
  return `select k.id as key, r.* from unnest($2::uuid[]) k (id) cross join lateral (
    select ${columns} from ${tables} where t.brand_id = $1 and t.${on} = k.id
    order by t.created_at desc, t.id desc limit $3) r`;
}

async function listed(work, name, text, queries) {
  const found = new Map(queries.map(({ obj }) => [obj.id, []]));
  const values = [[...found.keys()], queries[0].params.first];
  for (const row of await work.rows(name, text, values)) found.get(row.key).push(row);
  return queries.map(({ obj }) => found.get(obj.id));
}

const ACCOUNTS = below(
  `t.id, t.login::text, t.currency as "currencyCode", t.leverage, t.status`,
  "trading_account t", "client_id");
const PAYMENTS = below(
  `t.id, t.reference, t.status, t.amount_minor, t.currency, t.created_at as "createdAt"`,
  "payment t", "client_id");
const CHILDREN = below(
  `t.id, t.name, t.level, t.client_count as "clientsCount"`, "ib t", "parent_id");

const loaders = {
  Client: {
    accounts: (queries, { work }) => listed(work, "accounts", ACCOUNTS, queries),
    async payments(queries, { work }) {
      return (await listed(work, "payments_of", PAYMENTS, queries)).map((rows) => rows.map(paid));
    },
  },
  Account: {
    async state(queries, { work }) {
      const text = `select account_id, balance_minor, equity_minor, currency from account_state
        where brand_id = $1 and account_id = any($2::uuid[])`;
      const rows = await work.rows("states", text, [queries.map(({ obj }) => obj.id)]);
      const found = new Map(rows.map((row) => [row.account_id, {
        balance: money(row.balance_minor, row.currency),
        equity: money(row.equity_minor, row.currency),
      }]));
      return queries.map(({ obj }) => found.get(obj.id) ?? null);
    },
  },
  Payment: {
    async client(queries, { work }) {
      const text = `select ${CLIENT} from client where brand_id = $1 and id = any($2::uuid[])`;
      const ids = [...new Set(queries.map(({ obj }) => obj.client_id))];
      const rows = await work.rows("clients_of", text, [ids]);
      const found = new Map(rows.map((row) => [row.id, row]));
      return queries.map(({ obj }) => found.get(obj.client_id));
    },
  },
  Ib: {
    children: (queries, { work }) => listed(work, "children", CHILDREN, queries),
  },
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const app = Fastify({ logger: false });
app.register(mercurius, {
  schema, resolvers, loaders, jit: 1, graphiql: false,
  context(request) {
    const brand = request.headers["x-brand"];
    if (!UUID.test(brand)) throw new Error("x-brand: the id of a brand");
    return { work: new Work(brand) };
  },
});
app.ready().then(() => {
  app.graphql.addHook("onResolution", (_, context) => context.work.end());
  return app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
});
