// @graphql-eslint over the committed SDL: every schema rule it has, exceptions with reasons.
import graphql from "@graphql-eslint/eslint-plugin";

const EXCEPTIONS = {
  // `@oneOf` is the specification's own directive, which the printer writes without a description.
  "@graphql-eslint/require-description": [
    "error",
    { types: true, rootField: true, FieldDefinition: true,
      EnumValueDefinition: true },
  ],
  // The printer sorts the SDL and a test holds it to that; the rule compares words otherwise.
  "@graphql-eslint/alphabetize": "off",
  // The linted file is also the schema it is linted with, so each directive is met twice.
  "@graphql-eslint/unique-directive-names": "off",
  // Takes a list of root types to forbid; all three are wanted.
  "@graphql-eslint/no-root-type": "off",
  // Only what `node` can find has an id: money, states, feed items and payloads have none.
  "@graphql-eslint/strict-id-in-types": "off",
  // Connections and payloads are never null: what may not be read is refused before it runs.
  "@graphql-eslint/require-nullable-result-in-root": "off",
  // Payloads hold what changed and `errors`; who wants more asks in a second operation.
  "@graphql-eslint/require-field-of-type-query-in-mutation-result": "off",
  // `Brand.branding` is another word that only begins like its type.
  "@graphql-eslint/no-typename-prefix": "off",
  // Lists that are short by nature (positions, tags) need no edges; an item of a timeline is an
  // event, which no id finds.
  "@graphql-eslint/relay-edge-types": [
    "error",
    { listTypeCanWrapOnlyEdgeType: false, shouldImplementNode: false },
  ],
};

export default [
  {
    files: ["**/*.graphql"],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: "generated/schema.graphql" } },
    },
    plugins: { "@graphql-eslint": graphql },
    rules: {
      ...graphql.configs["flat/schema-all"].rules,
      ...graphql.configs["flat/schema-relay"].rules,
      ...EXCEPTIONS,
    },
  },
];
