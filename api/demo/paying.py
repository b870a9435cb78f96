"""What a portal asks to pay in: which ways there are, a deposit, and what became of it."""

METHODS = """{ paymentMethods(direction: DEPOSIT) {
  currencyCode available method { id name kind } } }"""
DEPOSIT = """mutation($input: DepositCreateInput!) { depositCreate(input: $input) {
  deposit { id reference status } errors { code message } } }"""
STATUS = """query($id: ID!) { node(id: $id) { ... on Deposit {
  status next { ... on RedirectStep { url } } } } }"""
LIVE = """subscription { depositEvents { __typename
  ... on FeedItem { cursor } ... on DepositEvent { kind depositId } } }"""
