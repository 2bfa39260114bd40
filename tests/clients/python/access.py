"""Access to a platform's API by a stock OAuth client (Authlib), with a token that is bound to a key or to a certificate."""
import secrets
import time
from base64 import urlsafe_b64encode
from hashlib import sha256

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from joserfc.jwk import ECKey
from jwcrypto import jwk, jwt


def digest(token):
    return urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()


class WithProofs(requests.auth.AuthBase):
    """What Authlib lacks: a proof of possession with every request, and the server's nonce in it."""

    def __init__(self, token=None, then=lambda request: request):
        self.key, self.token, self.nonce, self.then = jwk.JWK.generate(kty="EC", crv="P-256"), token, "", then

    def proof(self, request):
        claims = {"jti": secrets.token_urlsafe(), "htm": request.method, "htu": request.url.split("?")[0],
                  "iat": int(time.time()), "nonce": self.nonce}
        if self.token:
            claims["ath"] = digest(self.token)
            request.headers["Authorization"] = f"DPoP {self.token}"
        header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": self.key.export_public(as_dict=True)}
        made = jwt.JWT(header=header, claims=claims)
        made.make_signed_token(self.key)
        request.headers["DPoP"] = made.serialize()

    def __call__(self, request):
        self.proof(request)
        request.register_hook("response", self.again)
        return self.then(request)

    def again(self, response, **arguments):
        """The first answer may only say which nonce the server wants."""
        self.nonce = response.headers.get("DPoP-Nonce", self.nonce)
        if "nonce" not in response.text or response.status_code not in (400, 401):
            return response
        request = response.request.copy()
        request.deregister_hook("response", self.again)
        self.proof(request)
        return response.connection.send(request, **arguments)


def enter(issuer, party, folder=None):
    """The server's metadata, a session of a stock library, and whatever that needs for each call.

    The party is {"client_id", "signing_jwk"}; a folder holds its certificate, and the authority that is trusted.
    """
    ca, certificate = (f"{folder}/ca.pem", (f"{folder}/client.pem", f"{folder}/client.key")) if folder else (True, None)
    metadata = requests.get(get_well_known_url(issuer, external=True), verify=ca, timeout=10).json()
    assert metadata["issuer"] == issuer
    if folder:
        assert metadata["tls_client_certificate_bound_access_tokens"] is True
        # The library takes the empty list of somebody who redirects nobody for a missing one.
        AuthorizationServerMetadata(metadata | {"response_types_supported": ["none"]}).validate()
    endpoint = metadata["token_endpoint"]
    # The library's own hour is longer than the platform lets an assertion live.
    auth = PrivateKeyJWT(endpoint, alg="ES256", claims={"exp": int(time.time()) + 60})
    session = OAuth2Session(party["client_id"], ECKey.import_key(party["signing_jwk"]), token_endpoint_auth_method=auth)
    session.verify, session.cert, session.default_timeout = ca, certificate, 60
    session.trust_env = False  # or REQUESTS_CA_BUNDLE would say whom to trust
    proofs = None if folder else WithProofs(then=session.client_auth(auth))
    token = session.fetch_token(endpoint, auth=proofs, grant_type="client_credentials")
    assert token["token_type"] == ("Bearer" if folder else "DPoP"), token
    if proofs:
        proofs.token, proofs.then = token["access_token"], lambda request: request
    return metadata, session, proofs
