"""What can be wrong with private keys on disk. Each says what to do, and never shows a key or a passphrase.

KeyFileError
├── KeyFileExistsError    keys are never overwritten
├── KeyFileMissingError
├── KeyFileExposedError   mode or owner would let others read or replace it
├── KeyFileBrokenError    damaged, or not a key file of this version
├── WrappingError         wrapped in another way than was asked for
│   ├── PassphraseError   wrong or empty
│   └── WrappingsMixedError   a change of wrapping was interrupted
└── TokenError            the PKCS#11 token, with node.pkcs11_wrapping
    ├── TokenLibraryError   its library, or python-pkcs11, is missing
    ├── TokenMissingError   no token has this label
    ├── TokenPinError       wrong, locked or not set
    └── TokenKeyError       the key is missing, there twice, or cannot be made
"""


class KeyFileError(Exception):
    """A key file cannot be used; the text says what to do. It never shows a key or a passphrase."""


class KeyFileExistsError(KeyFileError):
    """Keys are there already: move them away by hand if they are no longer wanted."""


class KeyFileMissingError(KeyFileError):
    """No such key file: make it, or correct the directory in the configuration."""


class KeyFileExposedError(KeyFileError):
    """Others could read or replace the file."""


class KeyFileBrokenError(KeyFileError):
    """Damaged, of another version, or moved to another owner's name: restore it from a backup."""


class WrappingError(KeyFileError):
    """The keys are wrapped in another way than was asked for: correct the settings."""


class PassphraseError(WrappingError):
    """The passphrase is wrong or empty."""


class WrappingsMixedError(WrappingError):
    """The files of one directory are wrapped in different ways: finish the change that was interrupted."""


class TokenError(KeyFileError):
    """The PKCS#11 token cannot be used; the text says what to do."""


class TokenLibraryError(TokenError):
    """The token's library or the package python-pkcs11 is missing, or does not start."""


class TokenMissingError(TokenError):
    """No token that the library sees has this label, or more than one."""


class TokenPinError(TokenError):
    """The PIN is wrong, locked, or was never set. A token locks itself after a few wrong ones."""


class TokenKeyError(TokenError):
    """The token has no such key, has it twice, or cannot make it."""
