# ruff: noqa: E501 - a pattern or word list on one line can be read and searched as one
"""Red flags and alarms in the words of patients, relatives and hurried colleagues.

The same codes and the same notation as in red_flag_terms.py (`~` stands for blanks): these are the
everyday wordings, those are the textbook's.
"""

from __future__ import annotations

LAY_TERMS: dict[str, str] = {
    "chest_pain_acute": r"""
(?:sitting|standing|stood|sat|kneeling|weight)~on~(?:his|her|my|the)~chest|(?:ache|aching|pain|discomfort|heaviness|tightness|pressure|burning)~(?:in~|at~|across~)?(?:the~)?(?:centre|center|middle|front)~of~(?:the|his|her)~chest|chest~(?:hurts|is~hurting|aches|feels~(?:tight|heavy|crushed))
(?:indigestion|pain|ache|aching|discomfort)[\w ,-]{0,30}(?:going~)?(?:up~)?(?:in)?to~(?:the~|his~|her~|both~)?(?:jaw|arms?|left~arm)\b[^.;]{0,70}(?:sweat\w*|clammy|grey|sick|minutes|hour)
druck~auf~dem~herzen|schmerz\w*~in~der~(?:linken~)?brust|vernichtungsschmerz|étau~(?:dans|sur)~la~poitrine|peso~en~el~pecho""",
    "stroke_symptoms": r"""
(?:smile|mouth|face)~(?:is~|was~|looks~|looked~|has~gone~|gone~|went~)?(?:lop-?sided|crooked|uneven|twisted|to~one~side)|(?:mouth|face|smile)~(?:has~|had~)?dropped|(?:drags?|dragging)~(?:his|her|the|one)~(?:left~|right~)?(?:leg|foot)|keeps~dropping~(?:things|cups|(?:his|her)~cup|objects)
(?:cannot|can't|could~not|couldn't|unable~to|not~able~to|trouble|difficulty)~(?:get|getting|find|finding)~(?:his|her|the|any)?~?words|talks?~(?:rubbish|gibberish|nonsense)|talking~rubbish|(?:speech|talk)~(?:is~|was~|has~gone~|went~|sounds~|became~)(?:\w+~)?(?:thick|drunk\w*|muffled|odd|strange|jumbled)|calling~\w+~(?:wife~|husband~|daughter~|son~)?by~the~wrong~name
arm~(?:suddenly~)?(?:went|has~gone|gone|feels|felt|is)~(?:\w+~and~)?(?:floppy|useless|dead|heavy)|arm~and~leg~(?:\w+~)?(?:weak|heavy|numb|dead)
droopy~eyelid[^.;]{0,40}pupil|(?:large|dilated|blown)~pupil|habla~raro|no~mueve~(?:el|la)~(?:brazo|pierna|mano)|boca~torcida|(?:bouche~(?:est~)?de~travers)|ne~(?:parvient|peut|arrive)~(?:plus|pas)~à~parler|n'arrive~(?:pas|plus)~à~parler|bras~(?:gauche~|droit~)?(?:lourd|mort|inerte|paralysé)|(?:plötzlich\w*|seit~heute)[^.;]{0,40}schwäche~(?:im|in~der|des)~(?:linken~|rechten~)?(?:arm|bein|hand)\w*|spricht~(?:plötzlich~)?(?:undeutlich|verwaschen)|(?:arm|bein)~(?:plötzlich~)?(?:taub|gelähmt|schlaff)|faiblesse~(?:brutale|soudaine)~(?:du|de~la)~(?:bras|jambe|main)""",
    "cauda_equina": r"""
no~feeling~when~(?:she|he|they)~wip\w+|(?:cannot|can't|couldn't|can~not|unable~to)~feel~(?:the~|any~)?(?:loo|toilet)~(?:paper|roll|seat)|numb~between~(?:his|her|the)~legs|(?:cannot|can't|unable~to)~feel~(?:the~|his~|her~)?bladder|press\w*~on~(?:his|her)~(?:tummy|belly|bladder)~to~(?:wee|pass|pee|void)|dribbl\w+~urine[^.;]{0,60}(?:numb|back|legs|feel)|legs~(?:tingle|numb|weak)[^.;]{0,60}bladder
(?:legs~have~(?:stopped|gone|given)|off~(?:his|her)~legs|(?:cannot|can't)~walk)[^.;]{0,80}(?:metast\w+|secondar\w+|cancer)|(?:metast\w+|secondar\w+|myeloma)[^.;]{0,80}legs~(?:have~|are~)?(?:\w+~)?(?:stopped|weak|giving|gone)|wet~(?:himself|herself)[^.;]{0,30}without~(?:knowing|noticing|feeling)""",
    "meningism": r"""
head\w*[^.;]{0,60}like~(?:a~|being~hit~(?:by|with)~a~)?(?:thunder\w*|hammer|bolt|bat|brick|explosion|gunshot|firework)|neck~(?:is~|was~|feels~)?(?:very~)?(?:rigid|locked)
(?:spots|rash|blotches|marks)[^.;]{0,70}(?:stay~when|remain~when|(?:doesn't|don't|does~not|do~not|won't)~(?:go|vanish|fade|disappear)|pressed~with~a~glass)|purple~(?:blotches|spots|marks)|tâches?~(?:violettes|violacées)|taches~(?:violettes|violacées|pourpres)|ne~s'effacent~pas|manchas~(?:moradas|violáceas)|violette~flecken
cefalea~(?:\w+~)?(?:brusca|súbita|explosiva)|maux~de~tête~(?:brutaux|soudains)""",
    "temporal_arteritis": r"""
(?:cannot|can't|no~longer|unable~to)~chew|temples?\b[^.;]{0,60}chew\w*|chew\w*[^.;]{0,60}temples?\b|jaw~(?:cramps?|aches?|tires|hurts)~(?:at|during|with|when)|aching~jaw~(?:when|on)""",
    "sudden_vision_loss": r"""
(?:vision|sight|eye)[^.;]{0,40}(?:vanished|(?:went|gone|goes)~(?:dark|black|blank)|greyed~(?:over|out)|like~a~(?:light~)?switch)|everything~went~(?:dark|black|grey|blank)[^.;]{0,40}eye|(?:sight|vision)~(?:greyed|dimmed|blacked)~(?:over|out)|loss~of~(?:the~)?(?:lower|upper|left|right|outer|inner)~(?:half|part)~of~(?:the~|his~|her~)?(?:sight|vision|field)|lost~(?:the~|her~|his~)?(?:sight|vision)~(?:for~(?:\w+~){1,3}(?:seconds|minutes)|in~(?:the|his|her|one)|suddenly|overnight)|(?:shadow|dark~patch|black~patch)~(?:in|over|across)~(?:the|his|her|one)~(?:left~|right~)?(?:eye|vision|sight)""",
    "red_eye_with_pain": r"""
(?:agoni[sz]ingly|intensely|severely|extremely|acutely)~painful~(?:\w+~)?eye|eye~is~(?:\w+,?~){0,5}(?:agoni[sz]ing\w*|intensely~painful|rock~hard)|halo(?:e)?s[^.;]{0,60}(?:pain|vomit)|white~(?:spot|patch|mark)~on~(?:the|his|her)~cornea|contact~lens[^.;]{0,60}pain\w*|(?:chemical|acid|alkali|bleach|cement|lime|ammonia)[^.;]{0,30}(?:in|into)~(?:the|his|her|both|one)~eyes?|weld\w+~(?:flash|torch)|arc~eye|eyes?[^.;]{0,30}(?:cannot|can't)~open~(?:it|them)""",
    "haematemesis_or_melaena": r"""
(?:bringing|brought|brings)~up~(?:\w+~){0,3}blood|vomit\w*~(?:\w+~){0,5}(?:coffee~grounds?|clots)|coffee[- ]?grounds?|(?:stools?|motions?|poos?|bowels?)[^.;]{0,40}(?:black~(?:as|and~(?:sticky|tarry|smelly))|like~tar|jet~black)|(?:sticky|smelly|offensive)~black~(?:stools?|motions?|poo)|black~as~tar|clots~(?:\w+~){0,6}(?:each~|every~|with~)?(?:motion|stool)
vomit~du~sang|vomissements?~(?:de~)?sang\w*|(?:blut~erbrochen|erbricht~blut|bluterbrechen)|vómitos?~(?:de~|con~)?sangre|vomita~sangre|heces~negras|selles~noires|schwarzer~stuhl""",
    "haemoptysis": r"""
cough\w*[^.;]{0,60}(?:fresh|bright|red|streaky|specks?~of|spots?~of)[\w ]{0,15}blood|blood~(?:when|on)~cough\w*|crache\w*~du~sang|hustet~blut|tose~(?:con~)?sangre|esputos?~(?:con~sangre|hemoptoic\w+)""",
    "unexplained_weight_loss": r"""
weight[^.;]{0,30}(?:has~|have~)?(?:fallen|dropped|gone~down|plummeted|come~off)|(?:fallen|dropped|down)~(?:by~)?(?:a~|nearly~|over~|almost~)?(?:stone|\d+~?kg|half~a~stone)|clothes~(?:are~|have~become~|hang\w*~)(?:\w+~)?(?:loose|off)""",
    "testicular_torsion": r"""
(?:testic\w*|testis|scrot\w*)[^.;]{0,50}(?:sudden\w*|hours?~ago|exquisitely|in~agony|lying~high\w*|high[- ]riding|higher~than)|(?:sudden\w*|woke[^.;]{0,30}|very~painful|exquisitely~(?:sore|tender|painful))[\w ,]{0,25}(?:testic\w*|testis|scrot\w*)""",
    "airway_compromise": r"""
throat~(?:is~|was~|has~been~|feels~)?(?:closing|closed~up|tightening|swelling|constrict\w+)|tight~in~(?:the|his|her)~throat|pushing~(?:the|his|her)~tongue|tongue~(?:is~|are~)?(?:being~)?pushed~up|(?:cannot|can't|unable~to|not~able~to)~swallow~(?:his|her|their)~(?:own~)?(?:saliva|spit|secretions)|sitting~forward[^.;]{0,20}drool\w*|drool\w*[^.;]{0,40}(?:fever|temperature|sitting)|sucking~in~(?:between|below|under|above)~(?:the~|his~|her~)?(?:ribs|breastbone)|(?:noise|noisy|crowing)[^.;]{0,25}breath\w*[^.;]{0,20}(?:at~rest|since|sudden\w*)|barking~cough[^.;]{0,60}(?:noisy|rest|suck\w*)""",
    "anaphylaxis": r"""
(?:stung|sting|peanuts?|cashews?|nuts|prawns?|sesame|injection|dose~of)[^.;]{0,90}(?:throat|tongue|lips?~(?:are~)?(?:swell\w*|swollen)|wheez\w*|collaps\w*|itching~all~over)|lips~(?:and~(?:the~)?tongue~)?(?:are~|is~)?(?:swelling|swollen|swelled)[^.;]{0,80}|(?:lippen|zunge)~(?:\w+~)?(?:geschwollen|schwell\w+)|lèvres~(?:gonfl\w+)|labios~hinchados|quaddeln~am~ganzen""",
    "sepsis": r"""
(?:skin~(?:is~|was~)?|looks~|and~)mottled|(?:temperature|fever\w*|burning~(?:hot|up))[^.;]{0,70}(?:confus\w+|muddled|breathing~fast|mottled|not~making~sense|drows\w+|(?:hasn't|not)~passed~urine)|red~(?:streaks?|lines?)[^.;]{0,50}(?:fever|shiver\w*|hot)|(?:shiver\w*|rigors?|chills)[^.;]{0,60}(?:distended|catheter|obstructed|wound|stone|belly|ribs)|(?:jaundice\w*|yellow)[^.;]{0,30}(?:fever\w*|shiver\w*|rigors?)""",
    "acute_abdomen": r"""
(?:belly|tummy|abdomen|stomach)~(?:is~|was~|feels~)?(?:as~)?hard~as|(?:belly|tummy|abdomen)[^.;]{0,20}(?:blown~up|distended|tense|bloated)[^.;]{0,70}(?:vomit\w*|no~wind|shiver\w*)|no~(?:wind|flatus)~(?:or|nor|and~no)~(?:motions?|stools?)|(?:vomiting|vomits?|bringing~up)~green|green~(?:vomit\w*|bile)|red-?~?currant|stoma[^.;]{0,25}(?:black|dusky)|(?:severe|terrible|awful|worst)~(?:\w+~)?(?:tummy|belly|stomach)~pain|draw\w*~up~(?:his|her|the)~(?:legs|knees)|lies~(?:perfectly~)?still""",
    "acute_limb_ischaemia": r"""
(?:foot|leg|hand|arm|toes?|fingers?)~(?:has~|have~|is~|are~|went~|gone~|turned~|feels~|suddenly~){1,3}(?:icy|ice|stone|marble|freezing)~?(?:cold|white)?|(?:foot|leg)~(?:went|gone|turned|has~gone)~(?:cold|white|blue)|(?:pied|jambe|main)~(?:gauche~|droite?~)?froid\w*|(?:cast|plaster)[^.;]{0,60}(?:too~tight|blue|scream\w*|unbearable)|(?:scream\w*|agony|unbearable)[^.;]{0,40}(?:toes|fingers)""",
    "severe_head_injury": r"""
came~off~(?:his|her|a|the)~(?:bike|bicycle|horse|motorbike|motorcycle|scooter)|boggy~(?:swelling|haematoma)|(?:banged|hit|cracked|struck)~(?:his|her|the)~head""",
    "dvt_or_pe": r"""
(?:stab\w*|sharp|catching|knife-?like)~(?:\w+~){0,3}pain[^.;]{0,40}(?:on|when)~breath\w+|leg~(?:has~been~|is~|was~|has~become~)?(?:\w+~)?swollen~and~(?:sore|tender|painful|red|hot|tight)|leg[^.;]{0,25}(?:twice|double)~the~size|swollen~and~(?:sore|tender|painful)[^.;]{0,60}(?:coach|flight|plane|operation|plaster)""",
    "ectopic_or_pregnancy_bleeding": r"""
gush~of~blood|(?:period~(?:is~)?(?:late|overdue)|late~period|coil~in~place)[^.;]{0,90}(?:pain|bleed\w*|faint)|(?:pain|bleed\w*|faint)[^.;]{0,110}(?:period~(?:is~)?(?:late|overdue)|coil~in~place)|(?:tummy|belly|abdominal|pelvic|iliac~fossa)~pain[^.;]{0,80}positive~(?:pregnancy~)?test|bleeding~(?:heavily~)?at~\d{1,2}~weeks|pregnant~\d{1,2}~weeks[^.;]{0,30}blood""",
    "status_epilepticus_or_first_seizure": r"""
shaking~all~over|(?:two|three|four|five|six|several|\d+)~(?:fits|seizures|convulsions)~(?:since|today|this|in~a~row|without)|found~(?:him|her)[^.;]{0,40}(?:shaking|jerking|convuls\w*|fitting)|fit~at~\d+~weeks|fits~(?:without|since)""",
    "suicidal_intent": r"""
better~off~(?:dead|without~(?:him|her|me))|(?:sav(?:ed|ing)|stockpil\w+|hoard\w+|collect\w+|hidden|hiding)~(?:up~)?(?:\w+~){0,3}(?:tablets|pills|medication|insulin)|(?:wants?|intends?|going|plans?|planning)~to~(?:end~(?:it|things|his~life|her~life)|take~(?:them|the~lot)|die|kill~(?:him|her)self|hang~(?:him|her)self|jump)|no~point~(?:in~)?(?:going~on|living|carrying~on)|given~away~(?:his|her)~(?:\w+~){0,3}\w+|tonight~is~the~night|wishes~(?:it~had~worked|(?:he|she)~(?:was|were)~dead|to~be~dead)|bought~a~(?:rope|hose)|rope~in~the|(?:will|veut|quiere)~(?:sich~umbringen|mourir|en~finir|morir|quitarse~la~vida)|sich~das~leben~nehmen""",
    "safeguarding": r"""
flinch\w*~(?:when|as|at)|hands~(?:round|around)~(?:her|his)~(?:throat|neck)|(?:fled|ran~away|escaped)~(?:tonight~|today~)?(?:after|from)~(?:her|his)~(?:boy~?friend|husband|partner|father)|bruises~of~different~colou?rs""",
    "retention_of_urine": r"""
(?:hasn't|has~not|not)~(?:peed|wee'?d|been~able~to~(?:pee|wee))|(?:can't|cannot|unable~to)~(?:pee|wee|urinate|empty~(?:his|her)~bladder)|catheter~(?:is~|has~|was~)?(?:\w+~)?blocked|blocked~catheter""",
}
LAY_ALARMS: dict[str, str] = {
    "acute_psychosis": r"""
(?:voices?|grandmother|god|devil|television|radio)[^.;]{0,30}(?:tell\w*|command\w*|order\w*)~(?:him|her|them)|baby~is~(?:evil|possessed|not~(?:hers|real))|messiah|with~a~knife|convinced~(?:that~)?[^.;]{0,60}(?:poison\w*|spy\w*|plot\w*|implant\w*|following)|(?:not~slept|hasn't~slept)[^.;]{0,80}(?:believes|giving~(?:out|away)|special~powers|chosen)|delirium~tremens|alcohol~withdrawal|sees?~(?:spiders|insects|rats)""",
    "severe_breathlessness": r"""
(?:can't|cannot|unable~to)~(?:finish|complete|get)~(?:a~|his~|her~)?(?:sentence|breath)|single~words|puffing~at~rest|(?:sleeping|sleeps)~(?:upright|in~(?:the|a|his|her)~chair)[^.;]{0,80}(?:breath\w*|ankles|swollen)|breath\w*[^.;]{0,60}(?:sleeping|sleeps)~(?:upright|in~(?:the|a)~chair)|lips~(?:are~|look~|were~|gone~|turned~)?blue|blue~lips|pink~froth\w*|bubbling~(?:chest|breath\w*)|sitting~bolt~upright|gone~blue|turned~blue|atemnot|étouffe|se~ahoga|cannot~breathe|can't~breathe|struggl\w+~(?:to~breathe|for~breath|with~(?:his|her)~breathing)""",
    "haemorrhage": r"""
(?:bleed\w*|blood)~(?:that~)?(?:won't|will~not|cannot~be|does~not)~(?:stop|be~stopped)|(?:nose~?bleed|bleeding)~(?:\w+~){0,4}(?:will~not|won't)~stop|bleeding~(?:heavily|profusely|torrentially)|cough\w*[^.;]{0,60}(?:cupful|cup|basin|mugful|handful|bowl)[^.;]{0,30}blood|soak\w*~(?:\w+~){0,3}(?:pads?|towels?|sheets)|pouring~blood|blood~everywhere""",
    "diabetic_emergency": r"""
(?:sugar|glucose|BM|meter)[^.;]{0,40}(?:too~high~to~read|reads?~(?:HI\b|high)|off~the~scale)|breath~smells~of~(?:pear~drops|acetone|nail)|drinking~(?:all~the~time|constantly|gallons)[^.;]{0,100}(?:weight|vomit\w*|tired)""",
    "overdose_or_poisoning": r"""
(?:took|taken|swallowed)~(?:about~|around~|some~|at~least~)?(?:[1-9]\d+(?!\s?(?:mg|mcg|ml|g\b|%|hours?|days?|weeks?|months?|years?|minutes?))(?=~\w+)|twenty|thirty|forty|fifty|sixty|a~(?:whole~)?(?:box|packet|handful|bottle)|all~(?:of~)?(?:his|her|the))\b|(?:drank|drunk|swallowed)~(?:\w+~){0,3}(?:antifreeze|bleach|weed~?killer|paraquat|methanol|battery|magnets?|cleaner)|(?:bitten|bite)~by~a~(?:snake|viper|adder)|snake~?bite|schlangenbiss|electric~shock|electrocut\w+|high~voltage""",
    "septic_arthritis": r"""
(?:knee|joint|hip|ankle|wrist|elbow|shoulder)[^.;]{0,25}(?:red~hot|hot~and~swollen|hugely~swollen)|hip~is~so~painful|(?:will~not|won't|refuses~to)~(?:stand|walk|weight[- ]bear)[^.;]{0,50}(?:temp\w*|fever\w*|3[89])|hot~swollen~(?:left~|right~)?(?:knee|joint|ankle|wrist|elbow)""",
    "spreading_infection": r"""
(?:redness|swelling|infection|wound|burn|rash)[^.;]{0,60}(?:spread\w*~by~the~hour|climb\w*|past~the~(?:elbow|knee)|spread\w*~(?:fast|quickly|rapidly))|purple~blisters|swelling~under~(?:the|his|her)~jaw|eye[^.;]{0,20}(?:pushed~forward|swollen~shut)[^.;]{0,60}(?:fever|temperature|move)|ear~sticks~out|behind~(?:the~|his~|her~)?(?:ear|it)[^.;]{0,30}(?:boggy|red)|foot[^.;]{0,30}(?:gone|turned)~black|foul~pus""",
    "conduction_or_rhythm": r"""
complete~dissociation|dissociation~of~P|defibrillator~(?:has~)?(?:fired|shock\w*)|ICD~(?:shock\w*|fired)|(?:collapsed?|fainted|passed~out|blacked~out)~(?:while|when|during|on~the)~(?:\w+~)?(?:running|exercis\w+|swimming|treadmill|football|sport|training)""",
    "fracture_emergency": r"""
(?:leg|hip)[^.;]{0,60}(?:short\w*~and~(?:turned~out|rotated)|turned~out|turned~outwards)|(?:cannot|can't|unable~to)~(?:put~weight|stand)~on~(?:the~|his~|her~)?(?:left~|right~)?(?:leg|hip)[^.;]{0,40}|(?:cannot|can't)~bend~(?:\w+~)?fingers?[^.;]{0,30}numb|deep\w*~cut[^.;]{0,40}(?:tendon|numb)""",
    "adrenal_or_immune_emergency": r"""
adrenal~crisis|addisonian~crisis|steroid[- ]dependent[^.;]{0,60}(?:vomit\w*|drows\w+)|(?:carbimazole|clozapine|methotrexate|propylthiouracil)[^.;]{0,60}(?:sore~throat|throat|fever|mouth~ulcers?)|(?:transplant)[^.;]{0,70}(?:temperature|fever\w*|3[89])|prosthetic~valve[^.;]{0,60}fever|(?:asplen\w+|splenectom\w+)[^.;]{0,60}(?:fever\w*|temperature)|missed~(?:\w+~){0,2}(?:dialysis|sessions)|dialysis[^.;]{0,40}missed|sickle~cell[^.;]{0,70}(?:chest|breathless|fever)|(?:back|returned)~from[^.;]{0,40}fever~of|malaria|penis[^.;]{0,40}(?:hours|erect~and~painful)|priapism""",
    "child_alarm": r"""
(?:baby|infant|newborn|neonate|week~old|weeks~old|day~old|toddler|child|boy|girl)[^.;]{0,60}(?:(?<!a~)(?<!with~)limp\b|floppy|(?:gone|turned|went)~blue|will~not~wake|won't~wake|cannot~be~woken|sleepy~at~feeds|green~vomit|vomiting~green)|(?:(?<!a~)limp|floppy)~(?:and|baby|child)|yellow~to~the~(?:knees|feet|toes)|sleepy~at~feeds|(?:green|bilious)~vomit[^.;]{0,20}(?:baby|day~old|week~old)|week~old~with~a~(?:temperature|fever)|gone~blue""",
    "reduced_fetal_movements": r"""
not~felt~(?:the~|her~)?baby~move|baby~(?:hasn't|has~not)~moved|waters?~(?:have~|has~)?(?:broke\w*|gone)~(?:at~)?(?:2\d|3[0-6])?""",
    "pre_eclampsia": r"""
(?:headache|flashing~lights|swollen~(?:hands|face)|visual)[^.;]{0,80}(?:at~(?:2\d|3\d|4[0-2])~weeks|(?:2\d|3\d)~weeks~pregnant)|fit~at~\d+~weeks~of~pregnancy""",
    "critical_result": r"""
(?:potassium|K)~(?:\w+~){0,4}(?:6[.,]\d|7[.,]\d)|sodium~(?:\w+~){0,4}1[01]\d\b|(?:Hb|ha?emoglobin)~(?!A1)(?:(?!A1)\w+~){0,3}(?:[3-6]\d|[3-6][.,]\d)\b(?!~?%)|calcium~(?:\w+~){0,3}3[.,][1-9]|platelets?~(?:\w+~){0,3}(?:[1-9]|1\d)\b(?![.,\d])|INR~(?:\w+~){0,3}(?:[89]|1\d)\b|(?:with~)?blasts\b""",
    "new_neurological_deficit": r"""
new~(?:onset~)?double~vision|large~pupil|droopy~eyelid""",
    "aortic_emergency": r"""
(?:ripping|tearing)~(?:\w+~)?pain|puls(?:ating|atile)~(?:\w+~)?(?:swelling|lump|mass)[^.;]{0,40}(?:pain)?|blood~pressure~different~in""",
}
