"""The scrub that a node does by itself each night, and what it tells of it."""

from functools import partial
from zoneinfo import ZoneInfo

from node.alarms import raise_alarm
from node.network import Network
from node.nightly import gentle_scrub, nightly
from node.scrub_following import following
from node.scrub_report import ScrubReport
from node.settings import NodeSettings
from node.store import STORE_FILE, Store


async def scrub_nightly(settings: NodeSettings, network: Network, store: Store) -> None:
    """Scrub each night until cancelled; what is found raises an alarm."""
    path = settings.data_folder / STORE_FILE

    async def job() -> ScrubReport:
        return await gentle_scrub(path, partial(following, network))

    async def alarm(report: ScrubReport) -> None:
        first = report.findings[0].text
        text = f"the scrub has found {report.found} faults in the archive: {first}; see `yakujo scrub`"
        await store.write(lambda connection: raise_alarm(connection, "scrub", text))

    await nightly(settings.data_folder, settings.scrub_at, ZoneInfo(network.time_zone), job, alarm)
