"""What a command can end with."""

from adapters.mapping_file import MappingError
from node.act_submission import SubmissionError
from node.calendar_seed import CalendarSeedError
from node.document_submission import DocumentSubmissionError
from node.figure_counting import FiguresError
from node.key_files import KeyFileError
from node.keys import PublicKeyInvalidError
from node.ledger import LedgerError
from node.nats_server import ServerError
from node.network import NetworkError
from node.rules_document import RulesDocumentError
from node.secret_files import SecretFileError
from node.secrets import SecretsUnreadableError
from node.settings import SettingsError
from node.setup import SetupError
from node.store import StoreError
from node.tracing import NotFoundError

FOUND = 1
NOT_DONE = 2
LACKS_CONTRACT = 3  # status alone: the node decides nothing until the release is installed that it names
STOPPED = 70  # sysexits.h EX_SOFTWARE: the node must not go on, a person must look
TRY_AGAIN = 75  # sysexits.h EX_TEMPFAIL: something beside the node is missing, a restart may help

# What the outside can cause. Each says in its text what to do.
EXPECTED = (
    CalendarSeedError,
    DocumentSubmissionError,
    FiguresError,
    KeyFileError,
    LedgerError,
    MappingError,
    NetworkError,
    NotFoundError,
    OSError,
    PublicKeyInvalidError,
    RulesDocumentError,
    SecretFileError,
    SecretsUnreadableError,
    ServerError,
    SettingsError,
    SetupError,
    StoreError,
    SubmissionError,
)
