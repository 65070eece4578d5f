"""Codes about staying: the page and the heartbeat of `run`."""

from reconcile.config.messages import Explained

CODES_OF_CONTROLLER = {
    "bad-heartbeat-url": Explained(
        "The heartbeat URL cannot be used",
        "Whoever sees the URL of a dead man's switch can keep the switch from going off, so it is "
        "only ever requested over https, or from this machine itself.",
    ),
    "bad-listen": Explained(
        "--listen takes an address and a port",
        "The page listens at one IP address and port, such as 127.0.0.1:8470, or at a socket in "
        "the file system, such as unix:/run/reconcile/page.sock. Names are not looked up: what "
        "one stands for could change.",
    ),
    "bad-token-file": Explained(
        "The token of the page cannot be used",
        "The file of --token-file must be readable and hold one token of 16 characters or more. "
        "What surrounds the token, such as a line break, does not count.",
    ),
    "controller-not-installed": Explained(
        "The page's server is not installed",
        "The page of run, or of a fleet, is served by starlette and uvicorn, which come with the "
        "extra controller. "
        "Without --listen neither is needed.",
    ),
    "listen-unavailable": Explained(
        "The page cannot listen there",
        "Another process listens at that port, the address is not one of this machine, or the "
        "system does not allow it. Port 0 takes a free one, which the log names.",
    ),
    "listen-without-token": Explained(
        "The page would be open to the network",
        "The page names the models of an instance and when each is refreshed. Without a token it "
        "is served to this machine only; with --token-file also to others, who should reach it "
        "through a proxy that speaks TLS.",
    ),
}
