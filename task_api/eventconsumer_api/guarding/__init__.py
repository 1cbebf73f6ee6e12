"""The guard of the Task API: who calls, by which credential, and how often.

It stands before routing and before the body of a request is read, so a route that somebody adds is guarded
without a word.

    middleware  ->  guard  ->  tokens -> keyring        a JWT and the keys it may be signed with
                           ->  api_keys                 a key of `eventconsumer-api keys create`
                ->  limit                               requests of one caller
"""
