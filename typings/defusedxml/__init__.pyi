# The parts of defusedxml that we use, typed; the library ships no types (0.7).
from defusedxml.common import DefusedXmlException as DefusedXmlException
