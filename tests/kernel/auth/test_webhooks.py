"""Signatures of callbacks: the published vectors pass, everything tampered is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from arrears.auth.webhooks import ForgedWebhook, check_standard, check_twilio, standard_signature, twilio_signature

# The example of Twilio's security documentation ("Validating requests").
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
PARAMS = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
# The example of the Standard Webhooks specification and its reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AT = datetime(2021, 2, 25, 8, 37, 10, tzinfo=UTC)
BODY = b'{"test": 2432232314}'
SIGNED = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def now() -> datetime:
    return datetime.fromtimestamp(1614265330, UTC)


def test_twilios_documented_example_has_its_documented_signature() -> None:
    assert twilio_signature(URL, PARAMS, "12345") == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_either_active_token_is_accepted_while_rotating() -> None:
    check_twilio(URL, PARAMS, ["new", "12345"], "RSOYDt4T1cUTdK1PDd93/VVr8B8=")


@pytest.mark.parametrize("signature", [None, "", "RSOYDt4T1cUTdK1PDd93/VVr8B9=", "é"])
def test_a_callback_with_another_signature_is_forged(signature: str | None) -> None:
    with pytest.raises(ForgedWebhook):
        check_twilio(URL, PARAMS, ["12345"], signature)


def test_a_changed_field_or_address_is_forged() -> None:
    good = twilio_signature(URL, PARAMS, "12345")
    for url, params in ((URL, PARAMS | {"Digits": "9"}), (URL + "0", PARAMS), (URL, {})):
        with pytest.raises(ForgedWebhook):
            check_twilio(url, params, ["12345"], good)


def test_the_standard_webhooks_example_passes_and_gives_its_id() -> None:
    assert check_standard(SIGNED, BODY, [SECRET], now()) == "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_one_fitting_signature_among_several_is_enough() -> None:
    several = SIGNED | {"webhook-signature": f"v1,AAAA v2,BBBB {SIGNED['webhook-signature']}"}
    check_standard(several, BODY, ["whsec_AAAA", SECRET], now())


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": ""},
        {"webhook-id": "another"},
        {"webhook-timestamp": "1614265331"},
        {"webhook-timestamp": "yesterday"},
        {"webhook-timestamp": "9" * 40},
        {"webhook-signature": ""},
        {"webhook-signature": SIGNED["webhook-signature"].removeprefix("v1,")},
        {"webhook-signature": SIGNED["webhook-signature"].replace("v1", "v2")},
    ],
)
def test_a_tampered_message_is_forged(changed: dict[str, str]) -> None:
    with pytest.raises(ForgedWebhook):
        check_standard(SIGNED | changed, BODY, [SECRET], now())


def test_a_changed_body_is_forged() -> None:
    with pytest.raises(ForgedWebhook):
        check_standard(SIGNED, BODY + b" ", [SECRET], now())


@pytest.mark.parametrize("off", [timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)])
def test_an_old_or_future_message_is_refused_though_its_signature_fits(off: timedelta) -> None:
    with pytest.raises(ForgedWebhook, match="too far"):
        check_standard(SIGNED, BODY, [SECRET], now() + off)
    check_standard(SIGNED, BODY, [SECRET], now() + off * 0.9)


def test_a_secret_that_is_none_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        standard_signature("whsec_!!", "id", AT, b"")
