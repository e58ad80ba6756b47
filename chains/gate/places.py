"""Capitalised words that the checks treat with indulgence: when and where in the world, in English."""

from __future__ import annotations

from typing import Final

from chains.words import word_set

CALENDAR: Final = word_set(
    """
    monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays
    sundays january february march april may june july august september october november december christmas easter
    """
)

NATIONALITIES: Final = word_set(
    """
    african africans afghan albanian algerian american americans arab arabic argentine argentinian armenian asian
    australian austrian bangladeshi belgian bolivian bosnian brazilian briton britons british bulgarian cambodian
    canadian catalan chilean chinese colombian croatian cuban cypriot czech dane danes danish dutch ecuadorian egyptian
    english estonian ethiopian european europeans filipino finn finns finnish flemish french gaelic georgian german
    germans ghanaian greek greeks hungarian icelandic indian indians indonesian iranian iraqi irish israeli italian
    italians jamaican japanese kazakh kenyan korean kurdish kyrgyz latin latvian lebanese libyan lithuanian malaysian
    maltese mexican moldovan mongolian moroccan nepalese nepali nigerian norse norwegian pakistani palestinian peruvian
    pole poles polish portuguese romanian russian russians saudi scot scots scottish senegalese serbian slovak
    slovenian spaniard spaniards spanish sri lankan sudanese swede swedes swedish swiss syrian taiwanese tanzanian thai
    tunisian turk turks turkish ugandan ukrainian ukrainians uruguayan venezuelan vietnamese welsh zambian zimbabwean
    eastern northern southern western
    """
)
"""People, languages and what belongs to a country: they say where, not who."""

COUNTRIES: Final = word_set(
    """
    afghanistan africa albania algeria america andorra angola antarctica arabia argentina armenia asia australia austria
    azerbaijan bangladesh belarus belgium benin bhutan bolivia bosnia botswana brazil britain bulgaria burundi cambodia
    cameroon canada chad chile china colombia congo costa croatia cuba cyprus czechia denmark ecuador egypt england
    eritrea estonia ethiopia europe fiji finland france gabon gambia georgia germany ghana greece greenland guatemala
    guinea haiti herzegovina honduras hungary iceland india indonesia iran iraq ireland israel italy jamaica japan
    jordan kazakhstan kenya korea kosovo kuwait kyrgyzstan laos latvia lebanon lesotho liberia libya lithuania
    luxembourg macedonia madagascar malawi malaysia maldives mali malta mauritius mexico moldova monaco mongolia
    montenegro morocco mozambique myanmar namibia nepal netherlands nicaragua niger nigeria norway oman pakistan
    palestine panama paraguay peru philippines poland portugal qatar rica romania russia rwanda salvador samoa scotland
    senegal serbia singapore slovakia slovenia somalia spain sudan sweden switzerland syria taiwan tajikistan tanzania
    thailand togo tunisia turkey turkmenistan uganda uk ukraine uruguay us usa uzbekistan venezuela vietnam wales yemen
    zambia zealand zimbabwe
    """
)
"""Countries and continents."""

PARTS_OF_NAMES: Final = word_set(
    """
    ai bay cape city coast county desert earth east gulf island islands isle kingdom lake mount mountain mountains north
    ocean port province republic river sea south state states strait united valley village west world
    """
)
"""Words that people add to a name that is known (`the Atlantic` becomes `the Atlantic Ocean`), and abbreviations."""
