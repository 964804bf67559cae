"""FHIRPath, compiled. http://hl7.org/fhirpath/N1/ http://hl7.org/fhir/R4/fhirpath.html

>>> compile("name.given.first()")({"resourceType": "Patient", "name": [{"given": ["Ada"]}]})
['Ada']
"""

from careloom.fhirpath.engine import Expression, Typed, compile
from careloom.fhirpath.errors import FhirPathError
from careloom.fhirpath.evaluation import Hooks, Limits
from careloom.fhirpath.model import Child, Model
from careloom.fhirpath.quantity import Quantity
from careloom.fhirpath.temporal import Temporal
from careloom.fhirpath.values import Element

__all__ = [
    "Child",
    "Element",
    "Expression",
    "FhirPathError",
    "Hooks",
    "Limits",
    "Model",
    "Quantity",
    "Temporal",
    "Typed",
    "compile",
]
