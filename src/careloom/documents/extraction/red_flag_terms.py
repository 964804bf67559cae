# ruff: noqa: E501 - a pattern or word list on one line can be read and searched as one
"""What a red flag is called: patterns per code, in English, German, French and Spanish.

Each pattern names a finding; whether it is true of the patient now is decided by scope.py. Codes
are those of the truth files of the referral letters. Patterns are matched without case, over line
ends (`~` stands for blanks).
"""

from __future__ import annotations

import re

from careloom.documents.extraction.red_flag_lay_terms import LAY_ALARMS, LAY_TERMS

EMERGENCY = frozenset(
    {
        "acute_abdomen",
        "acute_limb_ischaemia",
        "airway_compromise",
        "anaphylaxis",
        "cauda_equina",
        "chest_pain_acute",
        "dvt_or_pe",
        "ectopic_or_pregnancy_bleeding",
        "fever_in_neutropenia",
        "haematemesis_or_melaena",
        "meningism",
        "red_eye_with_pain",
        "retention_of_urine",
        "safeguarding",
        "sepsis",
        "severe_head_injury",
        "status_epilepticus_or_first_seizure",
        "stroke_symptoms",
        "sudden_vision_loss",
        "suicidal_intent",
        "temporal_arteritis",
        "testicular_torsion",
    }
)
"""To be seen the same day."""
URGENT = frozenset(
    {
        "haematuria_visible",
        "haemoptysis",
        "jaundice",
        "rectal_bleeding",
        "suspected_cancer",
        "unexplained_weight_loss",
    }
)
"""To be seen within two weeks."""
ALARM_EMERGENCY = frozenset(
    {
        "acute_kidney_injury",
        "acute_psychosis",
        "adrenal_or_immune_emergency",
        "aortic_emergency",
        "child_alarm",
        "conduction_or_rhythm",
        "critical_result",
        "diabetic_emergency",
        "fracture_emergency",
        "haemorrhage",
        "overdose_or_poisoning",
        "pre_eclampsia",
        "reduced_fetal_movements",
        "septic_arthritis",
        "severe_breathlessness",
        "spreading_infection",
    }
)
"""Alarms (findings without a code in the letters' list) for the same day; the others are urgent."""

_TERMS: dict[str, str] = {
    "chest_pain_acute": r"""
pain~(?:down|in|into)~(?:the|his|her)~(?:left~)?arm[^.;]{0,60}(?:sweat\w*|breath\w*|chest)|(?:sweat\w*|clammy|grey)[^.;]{0,60}(?:chest|indigestion)|engegefühl|brustdruck
(?:crushing|central|retrosternal|heavy|severe|tight|acute|sudden|cardiac[- ]sounding|ongoing|squeezing|pressing)[\w ,-]{0,25}~?chest~(?:pain|tightness|discomfort|pressure|heaviness)
chest~(?:pain|tightness|discomfort|pressure|heaviness)(?!~(?:clinic|service|team|pathway|free))
pain~(?:in|across)~(?:his|her|the|my)?~?(?:chest|breastbone|sternum)
(?:weight|band|elephant|pressure|tightness|squeezing|heaviness|vice)~(?:on|across|round|around|in|over)~(?:his|her|the|my)~(?:chest|breastbone)
\b(?:STEMI|NSTEMI|ACS|unstable~angina|acute~coronary|crescendo~angina|angina~at~rest|rest~angina)\b
acute~(?:MI|myocardial~infarction)|ST[- ](?:segment~)?elevation|ST-hebung\w*|akutes~koronarsyndrom|instabile~angina
(?:thoraxschmerz\w*|brustschmerz\w*|brustenge|druck~(?:auf|in)~der~brust|retrosternal\w*~(?:schmerz\w*|druck\w*))
douleurs?~(?:thoracique|rétro-?sternale|dans~la~poitrine)\w*|oppression~thoracique|serrement~(?:dans~la~poitrine|thoracique)
dolor~(?:torácico|en~el~pecho|retroesternal|precordial)|opresión~(?:torácica|precordial|en~el~pecho)""",
    "stroke_symptoms": r"""
(?:speech|words)~(?:\w+~){0,3}(?:jumbled|muddled|wrong|nonsense|gibberish)|(?:lost|losing)~the~use~of~(?:his|her)~(?:\w+~)?(?:arm|leg|hand)|(?:weak|numb|weakness|numbness)~(?:all~)?(?:down|on|of)~(?:the~|his~|her~|one~)?(?:left~|right~|whole~)?side|talking~(?:nonsense|gibberish)|(?:can't|cannot|couldn't|unable~to)~(?:lift|raise|move|use|grip~with)~(?:his|her|the)~(?:left|right)~(?:arm|hand|leg)|(?:mouth|face)~(?:gone|pulled|drawn|fallen)~(?:to~one~side|down)
facial~(?:droop|weakness|palsy~with)|face~(?:drooping|droop|has~dropped)|(?:droopy|drooping)~(?:face|mouth|smile)|mouth~(?:drooping|droops|pulled)
(?:side~of~(?:his|her|the)~)?(?:mouth|face)~(?:has~)?(?:dropped|droops|drooped|fallen)
slurr(?:ed|ing)(?:~of)?~(?:his|her|the)?~?(?:speech|words)|(?:words|voice)~(?:are~|were~|is~|was~|have~become~)slurr\w+|speech~(?:is~|was~|has~become~)?(?:slurred|slurring|garbled)|slurring~(?:his|her)~words
(?:cannot|can't|unable~to|could~not|couldn't)~(?:find~(?:his|her|the)~words|speak~properly|get~(?:his|her|the)~words~out)
\b(?:dysphasia|aphasia|hemiparesis|hemiplegia|hemianopia|FAST~(?:positive|\+|[23]/3))\b
\b(?:acute~)?(?:stroke|CVA|TIA|transient~ischa?emic~attack)\b(?!~(?:clinic|nurse|association|unit~follow|risk))
(?:sudden\w*|new|acute)~(?:onset~)?(?:of~)?(?:left|right|one|unilateral|L|R)?[- ]?(?:sided?|arm|leg)?~?(?:arm|leg|limb|facial|sided)~(?:weakness|numbness|paralysis)
(?:left|right)[- ](?:sided?~)?(?:arm|leg|hand|face)?~?(?:and~(?:arm|leg|hand|face)~)?weakness~(?:since|for~(?:the~last~)?\w+~hours?|today|this~morning|which~lasted|lasting)
(?:left|right)~(?:arm|leg|hand)~(?:is~|was~|has~gone~|went~|has~become~|feels~)?(?:heavy|weak|limp|dead|useless|won't~(?:lift|work)|went~(?:dead|limp|weak))
(?:schlaganfall|apoplex\w*|hemiparese|fazialisparese|halbseiten\w+|aphasie|sprachstörung\w*|verwaschene~sprache|hängender~mundwinkel|mundwinkel~hängt|mundastschwäche)
(?:AVC\b|AIT\b|accident~vasculaire~cérébral|hémiparésie|hémiplégie|aphasie|paralysie~faciale|trouble~de~la~parole|asymétrie~faciale|bouche~déviée)
(?:ictus|hemiparesia|hemiplejia|afasia|disartria|desviación~de~la~comisura|parálisis~facial|accidente~cerebrovascular|dificultad~para~hablar)""",
    "cauda_equina": r"""
no~feeling~(?:down~below|between~(?:his|her)~legs)|(?:leaks?|leaking|wets?|wetting)~(?:urine~)?without~(?:noticing|feeling|knowing)|(?:cannot|can't)~tell~when~(?:his|her|the)~bladder|numb~(?:bottom|buttocks|saddle|genital\w*)
(?:metastatic~)?(?:spinal~)?cord~compression|\bMSCC\b|(?:legs|leg)~(?:giving~way|weak\w*)[^.]{0,60}(?:known~metast\w+|metastatic|prostate~cancer|myeloma)|querschnitt\w*|compression~médullaire|compresión~medular
cauda~equina|saddle~(?:an)?a?esthesia|saddle[- ](?:area~)?(?:numb\w*|paraesthesia)|perianal~(?:numb\w*|(?:an|hyp)a?esthesia|sensory)|perineal~(?:numb\w*|(?:an|hyp)a?esthesia)
numb(?:ness)?~(?:around|round|between|over|in)~(?:the|his|her|my)~(?:back~passage|bottom|saddle|perineum|legs~when~wiping|genital\w*|groin~and~buttocks|buttocks|crotch|private~parts|privates)
(?:cannot|can't|unable~to|doesn't|does~not|not)~(?:feel~(?:himself|herself|it~when)~(?:wip\w+|she~wipes|he~wipes)|feel~(?:the~)?toilet~paper)
(?:lax|reduced|absent|poor)~(?:anal~tone|anal~sphincter|sphincter~tone)|(?:reithosen\w*|kaudasyndrom|kauda-?~?syndrom|cauda-?equina-?syndrom|sattelförmig\w*)
(?:new|recent|sudden)~(?:onset~)?(?:bladder|bowel|urinary|faecal|sphincter)~(?:and~bowel~)?(?:incontinence|dysfunction|disturbance)[^.]{0,60}(?:back|legs?|sciatica)
(?:back~pain|sciatica|legs)[^.]{0,80}(?:wet~(?:himself|herself)|incontinen\w+|loss~of~bladder|bladder~control|strain~to~(?:get~his~urine|pass~urine))
queue~de~cheval|anesthésie~en~selle|cola~de~caballo|anestesia~en~silla""",
    "meningism": r"""
stiff~(?:and~\w+~)?neck|neck~(?:hurts|pain\w*|sore)[^.;]{0,40}(?:fever|light)|(?:can't|cannot)~bear~(?:the~)?light|(?:spots|rash|marks)[^.;]{0,40}(?:glass~(?:test|tumbler|pressed)|do~not~(?:fade|disappear|blanch)|don't~(?:fade|disappear))|(?:bang|explosion|clap|hit)[^.;]{0,40}(?:back~of~(?:his|her|the)~head|headache)
thunderclap|worst~headache~(?:of~(?:his|her|my)~life|ever)|(?:sudden\w*|abrupt|explosive)[\w ,-]{0,25}(?:severe~)?headache|headache[^.]{0,40}(?:like~being~(?:hit|kicked)|came~on~(?:suddenly|in~seconds|instantly)|sudden~onset|maximal~(?:at~onset|within~(?:a~minute|seconds)))|subarachnoid|\bSAH\b
vernichtungskopfschmerz|donnerschlagkopfschmerz|plötzlich\w*~(?:\w+~)?kopfschmerz\w*|céphalée~(?:brutale|en~coup~de~tonnerre)|cefalea~(?:súbita|brusca|en~trueno)
neck~stiffness|stiff~neck|nuchal~rigidity|neck~is~stiff|\bmeningism\w*|meningit\w+|meningokokk\w*|kernig\w*|brudzinski
(?:rash|spots|purpura)~(?:that|which)~(?:does|do|did)~not~(?:blanch|fade)|non[- ]?blanching|petechia[el]?|petechial|purpuric~rash|glass~test~positive|doesn't~blanch
nackensteif\w*|nackensteifigkeit|meningismus|raideur~de~(?:la~)?nuque|nuque~raide|purpura~fébrile|méningite|méningé|rigidez~de~nuca|rigidez~nucal|meníng\w+|petequias|no~(?:desaparecen|blanquean)~a~la~(?:vito)?presión
photophobia[^.]{0,60}fever|fever[^.]{0,60}photophobia""",
    "temporal_arteritis": r"""
temples?~(?:is~|are~)?(?:sore|tender)|tender~(?:\w+~)?temples?|hurts?~to~(?:chew|brush|comb)
temporal~arteritis|giant~cell~arteritis|\bGCA\b|jaw~claudication|jaw~(?:aches?|pain|tires?|cramps?)[^.]{0,25}(?:chew|eat)\w*|(?:scalp~tender\w*|tender~scalp|sore~scalp|scalp~is~(?:sore|tender)|hurts~to~(?:brush|comb)~(?:his|her)~hair)
(?:thickened|tender|pulseless|non[- ]?pulsatile|hard|swollen|prominent)~(?:\w+~){0,2}temporal~arter\w+|temporal~arter\w+[^.]{0,40}(?:thickened|tender|pulseless|hard|cord)
riesenzellarteriitis|arteriitis~temporalis|kauschmerz\w*|kopfhautschmerz\w*|kieferclaudicatio|artérite~temporale|maladie~de~horton|artérite~à~cellules~géantes|claudication~de~la~mâchoire|hyperesthésie~du~cuir~chevelu|arteritis~(?:de~la~)?temporal|arteritis~de~células~gigantes|claudicación~mandibular""",
    "sudden_vision_loss": r"""
(?:woke|waking)[^.;]{0,25}(?:could~not|couldn't|unable~to|blind)[^.;]{0,12}see|(?:cannot|can't|couldn't)~see~(?:out~of|anything|with)|(?:vision|sight)~(?:in~\w+~\w+~(?:eye~)?)?(?:disappeared|vanished|suddenly|has~gone|went)|cobwebs?[^.;]{0,30}(?:eye|vision|sudden)
(?:sudden\w*|acute|abrupt|rapid)[\w ,-]{0,25}(?:loss~of~(?:vision|sight)|visual~loss|vision~loss|blindness|(?:blurring|drop|reduction)[\w ]{0,15}vision)|(?:lost|loss~of)~(?:the~)?(?:vision|sight)[^.]{0,40}(?:sudden\w*|today|this~morning|yesterday|last~night|overnight|hours?)
(?:curtain|shadow|veil|shutter|blind)~(?:coming|came|come|falling|over|across|down|has~come|in)[\w ,]{0,30}|(?:amaurosis|retinal~detachment|detached~retina|central~retinal~(?:artery|vein))|shower~of~floaters|(?:new|sudden)~(?:onset~)?(?:\w+~)?(?:flashes|floaters)|tobacco~dust|macula~(?:on|off)
(?:vision|sight)~(?:went|gone)~(?:black|dark|grey|completely)|gone~blind
plötzlich\w*~(?:\w+~)?(?:visus\w+|sehverlust|erblindung|sehverschlechterung|sehminderung)|netzhautablösung|rußregen|amotio
(?:perte|baisse)~(?:brutale|soudaine|brusque)~(?:de~(?:la~|l')?)?(?:vision|vue|acuité)|baisse~d'acuité~visuelle~(?:brutale|brusque)|décollement~(?:de~(?:la~)?)?rétin\w*|voile~(?:noir|de~l'œil|devant)|cécité~brutale
pérdida~(?:súbita|brusca|repentina)~(?:de~(?:la~)?)?(?:visión|vista)|desprendimiento~de~retina|(?:visión|cortina)~(?:negra|oscura)|miodesopsias~(?:súbitas|bruscas)""",
    "red_eye_with_pain": r"""
(?:painful|sore|aching)[, ]+(?:and~)?(?:very~)?red~(?:left~|right~)?eye|red[, ]+(?:and~|very~)?(?:painful|sore|aching)~(?:left~|right~)?eye|(?:pain\w*|ache|aching|sore)[^.;]{0,50}red~(?:left~|right~|R~|L~)?eye|red~(?:left~|right~|R~|L~)?eye[^.;]{0,70}(?:pain\w*|photophob\w*|ach\w+|sore)|eye~(?:is~|was~|has~become~|became~)?(?:\w+~){0,2}red[^.;]{0,40}(?:pain\w*|photophob\w*|sore)|eye[^.;]{0,30}(?:red~and~(?:painful|sore)|painful~and~red)|hypopyon|corneal~(?:ulcer|abscess)|microbial~keratitis|endophthalmitis|acute~(?:anterior~)?(?:uveitis|iritis)|scleritis|acute~(?:angle[- ]closure|glaucoma)|angle[- ]closure
rotes[, ]+(?:und~)?schmerzhaftes~auge|schmerzhaftes[, ]+(?:und~)?rotes~auge|rotes~auge~mit~schmerz\w*|glaukomanfall|akuter~glaukom\w*|keratitis|œil~rouge~(?:et~)?(?:très~)?douloureux|œil~douloureux~et~rouge|uvéite~aiguë|glaucome~aigu|ojo~rojo~(?:y~|muy~)?dolor\w*|dolor~ocular[^.;]{0,30}ojo~rojo|glaucoma~agudo|uveítis~aguda""",
    "testicular_torsion": r"""
testicular~torsion|torsion~of~(?:the~)?testi\w+|(?:\?|query|possible|suspected)~?torsion|(?:sudden|acute|severe)[\w ,-]{0,25}(?:testicular|scrotal|testicle|testis|scrotum)~pain|(?:pain\w*|swollen)[^.]{0,30}(?:testicle|testis|scrotum|testicular|ball)[^.]{0,40}(?:hours?|sudden\w*|since~(?:this|last)|today|woke)|acute~scrotum|high[- ]riding~(?:and~\w+~)?testi\w+|testi\w+~high~riding|cremasteric~reflex~(?:is~)?absent
hodentorsion|akutes~skrotum|(?:plötzlich\w*|akut\w*)~(?:\w+~)?(?:hodenschmerz\w*|skrotalschmerz\w*)|torsion~(?:du~)?(?:testicul\w+|cordon)|douleur~(?:testiculaire|scrotale)~(?:brutale|aiguë)|torsión~testicular|dolor~testicular~(?:agudo|súbito|brusco)|escroto~agudo""",
    "haematemesis_or_melaena": r"""
(?:stools?|motions?|poo)~(?:\w+~){0,3}(?:black|tarry|tar|treacle|liquorice)|(?:brought|bringing|threw|throwing)~up~(?:\w+~){0,3}blood|vomit\w*[^.;]{0,25}(?:bloody|blood|coffee)
ha?ematemes\w+|mela?ena\b|coffee[- ]ground\w*|vomit\w*~(?:up~)?(?:\w+~){0,2}blood|blood~in~(?:the|his|her)~vomit|(?:black|tarry)[, ]+(?:and~)?(?:tarry|sticky|offensive|smelly|loose)?~?(?:stools?|motions?|faeces|poo|bowel~motions?)|(?:stools?|motions?)~(?:are~|were~|have~(?:been|turned|become)~|had~turned~)?(?:jet~)?(?:black|tarry|like~tar)|bowels:~black|upper~GI~bleed\w*|\bUGIB\b|variceal~bleed\w*|bringing~up~blood
bluterbrechen|teerstuhl|teerstühle|hämatemesis|meläna|kaffeesatz\w*|schwarzer~stuhl|schwarze~stühle|hématémèse|méléna|vomissements?~(?:de~sang|sanglants?)|selles~noires|hematemesis|melenas?|vómitos?~(?:con~sangre|de~sangre|en~posos~de~café)|heces~(?:negras|alquitranadas)|deposiciones~(?:negras|melénicas)""",
    "rectal_bleeding": r"""
blood~(?:when|on|after|whenever)~(?:\w+~){0,2}(?:wip\w+|open\w*~(?:his|her)~bowels|toilet|defecat\w+)|(?:toilet|pan|bowl)~(?:\w+~){0,3}(?:red|blood)|bleed\w*~(?:from~)?(?:the~)?(?:back~passage|behind|rectum|anus)
rectal~bleed\w*|\bPRB?~bleed\w*|\bPRB\b|bleeding~(?:PR\b|per~rectum|from~(?:the|his|her)~(?:back~passage|bottom|rectum))|blood~(?:PR\b|per~rectum|in~(?:the|his|her)~(?:stools?|motions?|poo|bowel~motions?|faeces|toilet|pan|bowl)|on~(?:the~)?(?:paper|wiping|toilet~paper|tissue)|mixed~(?:in~)?with~(?:the~|his~|her~)?(?:stools?|motions?))|(?:passing|passes|passed)~(?:\w+~){0,2}(?:fresh~|red~|bright~)?blood~(?:from~(?:the|his|her)~(?:back~passage|bottom)|PR\b|with|rectally)|bloody~(?:stools?|diarrh\w+)|ha?ematochezia|blood[- ](?:stained|streaked)~(?:stools?|motions?)|fresh~blood~PR\b
peranal\w*~blut\w*|rektal\w*~blut\w*|blut~(?:im|am)~stuhl|blutiger~stuhl|blutauflagerung\w*|hämatochezie|blut~ab~ano|rectorragies?|sang~dans~les~selles|saignements?~rect\w+|rectorragia|sangrado~rectal|sangre~en~(?:las~)?(?:heces|deposiciones)|hematoquecia""",
    "haematuria_visible": r"""
(?:water|pee|wee)~(?:\w+~){0,3}(?:red|pink|bloody|blood)|(?:red|pink|bloody)~(?:water|pee|wee)|blood~when~(?:\w+~){0,2}(?:pees|wees|urinat\w+|passes~(?:urine|water))
(?:visible|frank|macroscopic|gross|painless|VH)[\w ,-]{0,20}ha?ematuria|ha?ematuria~(?:\(?visible|with~clots|macroscopic)|(?<!microscopic~)(?<!non-visible~)(?<!non~visible~)(?<!dipstick~)(?<!invisible~)(?<!micro)\bha?ematuria\b|blood~in~(?:the|his|her)~(?:urine|water|pee|wee)|(?:passing|passed|peeing|weeing|pee|urine)~(?:\w+~){0,3}(?:blood|clots)\b|(?:red|pink|rosé|claret|bloody|blood[- ]stained|cola|port[- ]wine)[- ]?(?:coloured~)?urine|urine~(?:was~|is~|has~been~|turned~|went~|looks?~)?(?:red|pink|bloody|blood[- ]stained|like~(?:rosé|port|claret|cola))
makrohämaturie|blut~im~urin|blutiger~urin|roter~urin|hématurie~macroscopique|hématurie|sang~dans~les~urines|urines~(?:rouges|sanglantes|rosées)|hematuria|sangre~en~la~orina|orina~(?:roja|con~sangre|rojiza)""",
    "haemoptysis": r"""
blood\w*~(?:\w+~){0,4}(?:tissue|handkerchief|hankie|hanky)[^.;]{0,40}cough\w*|cough\w*[^.;]{0,40}(?:blood|red~(?:streak|fleck|spot))
ha?emoptys\w+|cough\w*~(?:up~)?(?:\w+~){0,4}blood|blood\w*~(?:in|on|streak\w*|flecks?~in|tinged|stained)~?(?:in~)?(?:the~|his~|her~)?(?:sputum|phlegm|spit|mucus)|(?:sputum|phlegm)~(?:is~|was~)?(?:blood\w*|pink|streaked|rusty)|(?:flecks?|streaks?|specks?)~of~blood~in~(?:the|his|her)~(?:phlegm|sputum|spit|tissue|hanky)|spitting~blood|blood[- ](?:streaked|stained|tinged)~(?:sputum|phlegm)
hämoptysen?|hämoptoe|bluthusten|blutiger~auswurf|blut~im~(?:auswurf|sputum)|blutig\w*~(?:tingierter~)?auswurf|hémoptysies?|crachats?~(?:sanglants?|hémoptoïques?|de~sang)|hemoptisis|esputos?~(?:hemoptoic\w+|con~sangre|sanguinolent\w+)|expectoración~(?:hemoptoica|con~sangre)""",
    "jaundice": r"""
jaundice\b|jaundiced|icter(?:us|ic)\b|(?:yellow|yellowing|yellowed)(?:~(?:of|in))?~(?:the~|his~|her~)?(?:eyes|skin|sclerae?|whites|tinge)|(?:eyes|skin|sclerae?|whites~of~(?:his|her|the)~eyes)~(?:\w+~){0,3}(?:yellow|jaundiced)|(?:turned|gone|going|went|looks?|looking|became|becoming)~(?:quite~|a~bit~|very~)?yellow
ikter\w+|gelbsucht|gelbfärbung|gelbe~(?:augen|haut|skleren)|gelb~verfärbt\w*|ictère|jaunisse|ictérique|jaunissement|(?:yeux|conjonctives|teint)~jaunes?|ictericia|ictéric[oa]|(?:coloración|color)~amarill\w+|(?:ojos|piel)~amarill\w+""",
    "unexplained_weight_loss": r"""
(?:unintentional\w*~|unexplained~|significant~|marked~|progressive~)?(?:weight[- ]loss|loss~of~weight|\bLOW\b)|(?:lost|dropped|shed|lose|losing|down)~(?:about~|around~|over~|nearly~|almost~|approximately~|some~|roughly~|a~further~|at~least~)?(?:an?~(?:stone|lot~of~weight)|half~a~stone|\d+(?:[.,]\d+)?~?(?:kg|kilos?|kilograms?|lbs?|pounds?|stones?|st)\b|\w+~(?:kg|kilos?|stone|pounds)\b|weight)|(?:clothes|trousers|belt|rings?|skirt)~(?:are~|is~|have~become~|hang\w*~)?(?:loose\w*|hang\w*|falling|too~big)|(?:two|three)~(?:belt~)?(?:holes|notches|dress~sizes)|(?:weighs?|weight~is)~\d+[^.]{0,20}(?:down~from|was~\d+)|weight~(?:has~)?(?:fallen|dropped|gone|down)
gewichtsverlust|gewichtsabnahme|(?:kg|kilo|kilogramm)~(?:\w+~){0,3}(?:abgenommen|verloren|gewichtsverlust)|abgenommen|amaigrissement|perte~(?:de~poids|pondérale|de~\d+~?kg)|(?:perdu|maigri~de)~(?:\w+~){0,2}\d+~?(?:kg|kilos?)|a~maigri|altération~de~l'état~général|pérdida~(?:de~peso|ponderal|de~\d+~?kg)|ha~(?:perdido|adelgazado)~(?:\w+~){0,2}\d+~?(?:kg|kilos?)|adelgazamiento|ha~perdido~peso|(?:perdido|bajado)~(?:de~peso|\d+~?(?:kg|kilos))""",
    "suicidal_intent": r"""
(?:does~not|doesn't|didn't|did~not|no~longer)~wants?~to~(?:be~(?:here|alive)|live)|end~it\b|ending~(?:it|things|everything)|(?:in~front~of|under)~a~(?:train|lorry|bus)|off~(?:the|a)~bridge|hang~(?:himself|herself)|plans?~to~(?:hang|jump|overdose|drown)|(?:tidied|sorted)~(?:his|her)~affairs
suicid\w+|end~(?:his|her|my|their|it)~(?:own~)?(?:life|all)|take~(?:his|her)~own~life|kill~(?:himself|herself|themselves|myself)|(?:plans?|planning|intends?|wants?|wanted)~to~die|wish\w*~(?:to~be|(?:he|she)~(?:was|were))~dead|better~off~(?:dead|without~(?:him|her|me))|(?:bought|has|got|kept|stored|saved~up|stockpil\w+|hoard\w+|collect\w+)~(?:a~|the~|his~|her~|some~)?(?:rope|tablets~for|pills~for|paracetamol~to|tablets)|not~(?:want~to~)?(?:be~here|wake~up|go~on)|no~(?:reason~to|point~in)~liv\w+|life~(?:is~|was~)?not~worth~living|(?:goodbye|farewell)~(?:letters?|notes?)|written~(?:letters?~)?(?:to~(?:his|her)~(?:parents|family|children))|noose|jump\w*~(?:off|from|in~front)|giv(?:en|ing)~away~(?:his|her)~(?:possessions|things|dog|cat)
suizid\w*|selbstmord\w*|lebensmüde|nicht~mehr~leben|umbringen|sich~das~leben~(?:zu~)?nehmen|idées?~(?:suicidaires?|noires)|suicide|suicidaire|mettre~fin~à~ses~jours|se~tuer|veut~mourir|ideación~(?:suicida|autolítica)|suicidio|suicid\w+|quitarse~la~vida|matarse|autolítica""",
    "sepsis": r"""
\bsepsis\b|\bseptic\b(?!~arthritis|~joint)|septicaemi\w+|urosepsis|septisch\w*|sepsisverdacht|choc~septique|état~septique|shock~séptico|séptic[oa]|mottled(?:~skin)?|rigors?~(?:and|with)~(?:fever|hypotens\w+)|neutropenic~sepsis""",
    "fever_in_neutropenia": r"""
neutropenic~(?:sepsis|fever)|febrile~neutropeni\w+|(?:fever|febrile|pyrexia\w*|temperature|temp|hot|shiver\w*|rigors?|chills)(?:[^.;]|\.(?=\d)){0,70}(?:chemo\w*|neutropeni\w+|cycle~\d|\bR-?CHOP\b|docetaxel|FOLFOX|\bANC\b)|(?:chemo\w*|neutropeni\w+|docetaxel|cycle~\d)[^;]{0,110}(?:fever\w*|febrile|pyrexia\w*|rigors?|chills|shivering|temp(?:erature)?~(?:of~)?3[89]|\b3[89][.,]\d)
fieber~(?:\w+~){0,4}(?:chemo\w*|neutropenie)|(?:chemo\w*|neutropenie)[^;]{0,90}(?:fieber|schüttelfrost|\b3[89][.,]\d)|neutropenisches~fieber|aplasie~fébrile|neutropénie~fébrile|(?:fièvre|fébrile)[^.;]{0,80}chimiothérapie|chimiothérapie[^;]{0,90}(?:fièvre|fébrile|frissons|\b3[89][.,]\d)|neutropenia~febril|(?:fiebre|febril)[^.;]{0,80}quimioterapia|quimioterapia[^;]{0,90}(?:fiebre|febril|\b3[89][.,]\d)""",
    "anaphylaxis": r"""
anaphyla\w+|anaphylak\w+|anafil\w+|(?:swollen|swelling~of~(?:the~|his~|her~)?)~?(?:\w+~){0,2}(?:lips?|tongue|throat)[^.;]{0,90}(?:after|nuts?|cashew\w*|peanut\w*|sting|wasp|bee|prawns?|shellfish|antibiotic|dose|hives|urticaria|wheez\w+)|(?:sting|peanuts?|nuts?|prawns?|shellfish)[^.;]{0,80}(?:throat~(?:is~)?(?:tight|clos\w+)|swollen~(?:lips|tongue|face)|wheez\w+|collapse\w*)|(?:hives|urticaria|wheals)[^.;]{0,60}(?:wheez\w+|hypotens\w+|collapse\w*|stridor)|adrenaline~\d|epipen~(?:given|used)""",
    "airway_compromise": r"""
stridor\b|airway~(?:compromise|obstruct\w+|at~risk|threat\w*|swelling)|(?:swollen|swelling~of~(?:the~)?)~?(?:\w+~){0,2}tongue|tongue~(?:is~)?(?:swollen|swelling)|drooling|(?:cannot|can't|unable~to)~swallow~(?:his|her|own|even~his|even~her)~?(?:own~)?(?:saliva|spit)|muffled~voice|hot[- ]potato~voice|epiglottit\w+|tripod\w*|throat~(?:is~)?(?:closing|closing~up|tight)|angio-?o?edema|trismus[^.]{0,60}(?:fever|drool\w*|swell\w*|quinsy|abscess)
inspiratorischer~stridor|atemwegs\w+|zungenschwellung|speichelfluss|angioödem|stridor~laryngé|œdème~de~quincke|angio-?œdème|gonflement~de~la~langue|estridor|angioedema|edema~de~(?:lengua|glotis|úvula)|sialorrea""",
    "dvt_or_pe": r"""
(?:sharp~)?pain~(?:on|when)~(?:breathing|taking~a~(?:deep~)?breath|inspiration)[^.;]{0,90}(?:breathless\w*|short~of~breath|flight|pill|postpartum|surgery|immobil\w*|plaster)|leg~(?:is~)?(?:twice|double)~(?:the~size|its)|(?:calf|leg)[^.;]{0,25}\d~?cm~(?:bigger|larger|more|wider)
(?<!in~)\b(?:DVT|PE|VTE)\b(?!~(?:prophylaxis|lesson|teacher))|deep~vein~thrombos\w+|deep~venous~thrombos\w+|pulmonary~embol\w+|(?:swollen|swelling~(?:of|in)~(?:the~|his~|her~)?|painful~swollen|hot~swollen|tender~swollen|unilateral~swelling)~?(?:\w+~){0,2}(?:calf|calves|leg)\b(?![^.]{0,20}both)|(?:calf|leg)~(?:is~|has~become~|became~|was~)?(?:\w+~){0,3}(?:swollen|swelling)[^.]{0,50}(?:tender|red|hot|painful|flight|cm|pill)|calf~(?:swelling|circumference|tenderness)|wells~score~(?:of~)?[2-9]|pleuritic~(?:chest~)?pain|d-?dimer~(?:raised|elevated|positive|\d{3,})
beinvenenthrombose|(?:tiefe|tiefen)~\w*venenthrombose|\bTVT\b|lungenembolie|\bLAE\b|wadenschwellung|schwellung~(?:und~schmerz~)?der~(?:\w+\.?~)?wade|thrombose~veineuse|phlébite|\bTVP\b|embolie~pulmonaire|mollet~(?:\w+~){0,2}(?:gonflé|tendu|douloureux|chaud)|trombosis~venosa|\bTEP\b|tromboembolismo|pantorrilla~(?:\w+~){0,2}(?:hinchada|dolorosa|caliente)""",
    "ectopic_or_pregnancy_bleeding": r"""
(?<!previous~)(?<!prior~)ectopic(?!~(?:beat|beats|20\d\d))|(?:(?<!get~)(?<!getting~)(?<!become~)(?<!becoming~)(?<!first~)(?<!second~)(?<!third~)(?<!last~)(?<!previous~)(?<!prior~)(?<!two~)(?<!three~)(?<!four~)(?<!of~)pregnan\w*(?!~(?:test~)?(?:was~|is~)?negative)|weeks?[’']?~gestation\w*|weeks?~gravid|\d+/40|amenorrh\w+|positive~pregnancy~test|missed~period)[^;]{0,130}(?:bleed\w*|spotting|PV~loss|blood~loss|(?:iliac~fossa|lower~abdominal|pelvic|abdominal|shoulder[- ]?tip)~pain)|(?:bleed\w*|spotting|(?:iliac~fossa|lower~abdominal|pelvic)~pain)[^;]{0,110}(?:pregnan\w+|gestation|\d+/40|positive~(?:pregnancy~)?test)|antepartum~ha?emorrhage|\bAPH\b|placental~abruption|miscarr\w+|threatened~(?:miscarriage|abortion)
(?:schwanger\w*|ssw|schwangerschafts\w*)[^;]{0,110}(?:blutung\w*|unterbauchschmerz\w*|schmierblut\w*)|(?:blutung\w*|unterbauchschmerz\w*)[^;]{0,100}(?:ssw\b|schwanger\w*)|extrauterin\w*|eileiterschwanger\w*|\beug\b|grossesse~extra-?utérine|\bGEU\b|(?:enceinte|grossesse|aménorrhée|\bSA\b)[^;]{0,110}(?:métrorragi\w+|saignement\w*|douleurs?~pelvienn\w+)|(?:métrorragi\w+|saignement\w*)[^;]{0,100}(?:enceinte|grossesse)|embarazo~ectópico|(?:embaraz\w+|gestación|gestante|amenorrea)[^;]{0,110}(?:sangrado|metrorragia|dolor~(?:pélvico|hipogástrico|en~fosa))""",
    "status_epilepticus_or_first_seizure": r"""
(?:went~)?stiff~(?:and|then)~(?:\w+~){0,2}(?:shook|shaking|jerk\w+)|jerking~(?:of~)?(?:all~)?(?:four~)?(?:limbs|arms)|shaking~all~over[^.;]{0,50}(?:unrespons\w*|tongue|wet)|eyes~rolled
first~(?:ever~)?(?:\w+~){0,2}(?:fit|seizure|convulsion)|status~epilepticus|new[- ]onset~seizures?|(?:seizure|convulsion|fit)~(?:today|this~morning|yesterday|last~night|lasting|lasted|for~\d+~min\w*)|(?:had|having|witnessed|has~had)~an?~(?:\w+~){0,3}(?:seizure|convulsion|fit)\b|tonic[- ](?:then~)?clonic|generali[sz]ed~seizure|fitting~(?:for|since|on)|prolonged~(?:seizure|fit|convulsion)|seizures?~in~cluster
erster~(?:\w+~)?(?:krampfanfall|anfall)|erstmalig\w*~(?:\w+~)?(?:krampfanfall|anfall)|krampfanfall|grand[- ]mal|première~crise~(?:convulsive|d'épilepsie|comitiale|généralisée)|crise~(?:convulsive|tonico-clonique|généralisée)|convulsions?|primera~crisis~(?:convulsiva|epiléptica|comicial)?|crisis~(?:convulsiva|epiléptica|tónico-clónica|comicial)\w*|estado~de~mal""",
    "safeguarding": r"""
cigarette~burns?|burns?[^.;]{0,40}(?:shape|pattern)|(?:afraid|frightened|scared|terrified)~of~(?:her|his)~(?:husband|partner|boyfriend|wife|son|daughter|father|stepfather|carer)|(?:controls|takes)~(?:her|his)~(?:money|pension|phone)|locked~in|unexplained~(?:bruis\w+|fractures?|injur\w+)
safeguarding~(?:concern|referral|issue|lead|team|alert)|child~protection|non[- ]accidental|\bNAI\b|bruis\w+[^.;]{0,100}(?:not~(?:yet~)?(?:mobile|rolling|crawling|walking)|baby|infant|weeks?~old|immobile|different~ages|ear|pattern|hand[- ]?print|grip)|(?:different|inconsistent|changing|conflicting|varying)~(?:account|story|stories|histor\w+|explanation\w*|version\w*)|children's~social~care|social~(?:care|services)[^.;]{0,60}(?:agree|informed|referr\w+|aware|involved|told)|domestic~(?:violence|abuse)|(?:hit|hits|hitting|beaten|beats|strangl\w+|chok\w+|punched|assault\w+)~(?:by~)?(?:her|him|his|their)?~?(?:husband|partner|boyfriend|wife|son|daughter|father|carer)|(?:partner|husband|boyfriend|son|carer)~(?:has~)?(?:hit|hits|hitting|punched|strangled|threaten\w*|assaulted)|afraid~(?:of~(?:her|his)~(?:husband|partner|son)|to~go~home)|sexual~abuse|(?:physical|financial|elder)~abuse|neglected\b|(?:signs~of|possible|concerns?~about)~(?:self[- ])?neglect|grip~marks?|finger[- ]?(?:tip~)?bruis\w+|\bFGM\b|forced~marriage
kindeswohlgefährdung|misshandlung\w*|häusliche~gewalt|gewalt~in~der|jugendamt|maltraitance|violences?~conjugales?|signalement|information~préoccupante|maltrato|violencia~(?:de~género|doméstica|machista)|servicios~sociales""",
    "acute_abdomen": r"""
(?:belly|tummy|stomach)~(?:is~|was~|feels~)?(?:hard|rigid|like~a~board|board)|doubled~(?:up|over)|peritonitic
(?:rigid|peritonitic|board[- ]like|guarded)~abdomen|abdomen~(?:is~|was~)?(?:rigid|peritonitic|board)|peritonit\w+|peritonism|rebound~tenderness|(?:guarding~and~rebound|rebound~and~guarding)|(?:generali[sz]ed|involuntary|diffuse)~guarding|acute~abdomen|perforat(?:ed|ion)|bowel~obstruction|(?:absolute~constipation|not~passed~(?:wind|flatus))|bilious~vomit\w*|(?:strangulat|incarcerat|irreducib)\w+|appendicitis|mesenteric~isch\w+|(?:sudden|severe|acute)~(?:\w+~)?abdominal~pain|intussusception|red~currant|pancreatitis|cholangitis|ascending~cholangitis
akutes~abdomen|abwehrspannung|peritonismus|bretthart\w*|loslassschmerz|ileus|appendizitis|inkarzer\w+|ventre~(?:de~bois|chirurgical)|défense~(?:abdominale|en|généralisée)|contracture~abdominale|appendicite|occlusion~intestinale|hernie~étranglée|abdomen~agudo|defensa~abdominal|signos~de~irritación~peritoneal|blumberg~positivo|apendicitis|obstrucción~intestinal|hernia~incarcerada""",
    "acute_limb_ischaemia": r"""
acute~(?:limb~|leg~|lower~limb~)?isch[ae]+mi\w+|(?:cold|white|pale|pulseless|blue|dusky|mottled)[, ]+(?:\w+[, ]+){0,3}(?:and~)?(?:cold|white|pale|painful|pulseless|numb|blue)?~?(?:leg|foot|arm|hand|limb|toes?)\b|(?:leg|foot|arm|hand|limb)~(?:is~|has~gone~|went~|became~|has~become~|turned~|has~been~)(?:\w+~)?(?:cold|white|pale|numb|blue|pulseless|mottled)|(?:absent|no)~(?:foot|pedal|distal|femoral|popliteal)~pulses?[^.]{0,40}(?:cold|pale|numb|pain\w*|white)|critical~(?:limb~)?isch[ae]+mi\w*|wet~gangren\w+|compartment~syndrome
akute~(?:extremitäten)?ischämie|kaltes~bein|ruheschmerz\w*|ischémie~aiguë|(?:jambe|pied)~froide?|isquemia~aguda|(?:pierna|pie)~frí[oa]~y~pálid[oa]""",
    "severe_head_injury": r"""
(?:fell|fall|thrown)~(?:off|from|down)[^.;]{0,60}\bhead\b|(?:kicked|punched|struck|hit)~(?:in|on)~the~head|banged~(?:his|her|the)?~?head|knocked~out
head~injur\w+|(?:hit|struck|banged|bumped|knocked)~(?:his|her|the)~head|blow~to~the~head|(?:fall|fell)[^.;]{0,60}(?:anticoag\w+|warfarin|apixaban|rivaroxaban|edoxaban|head)|loss~of~consciousness~(?:after|following)|schädel-?hirn-?trauma|\bSHT\b|kopfverletzung|sturz~auf~den~kopf|traumatisme~crânien|traumatismo~craneo\w*|\bTCE\b""",
    "retention_of_urine": r"""
(?:not~passed|passed~no|no)~(?:a~drop~of~)?(?:urine|water)~(?:since|for|today|all)|not~passed~a~drop
(?:acute~|chronic~|painful~|urinary~|clot~)+retention|retention~of~urine|(?:cannot|can't|unable~to|not~able~to|could~not|couldn't|not~been~able~to|hasn't~been~able~to|has~not)~(?:pass(?:ed)?|void|passed~any)~(?:any~)?(?:urine|water)|(?:not|hasn't|has~not)~(?:passed|peed)~(?:any~)?(?:urine|water)[^.]{0,40}(?:hours?|since|last~night)|(?:bladder~(?:is~)?(?:palpable|distended|to~the~umbilicus)|(?:palpable|distended)~bladder)|bladder~scan~(?:\w+~){0,2}\d{3,}|\bAUR\b|anuri\w+|(?:went|gone|going)~into~retention|clot~retention|in~retention
harnverhalt\w*|kann~(?:nicht~)?(?:kein~)?wasser~lassen|harnsperre|rétention~(?:aiguë~)?d'urines?|rétention~urinaire|globe~(?:vésical|urinaire)|retención~(?:aguda~de~)?(?:urinaria|de~orina|orina)|globo~vesical""",
}

_ALARM_TERMS: dict[str, str] = {
    "pre_eclampsia": r"""
pre-?~?eclampsia|eclampsia|präeklampsie|\bHELLP\b|prééclampsie|preeclampsia|(?:pregnan\w+|gestation|\d\d/40|postpartum|postnatal)[^;]{0,120}(?:proteinuria|epigastric~pain|visual~disturbance|flashing~lights|protein~\+{2,})""",
    "reduced_fetal_movements": r"""
(?:reduced|fewer|no|absent|decreased|less)~f(?:o)?etal~movements?|baby~(?:is~|has~been~|has~)?(?:moving~less|stopped~moving|not~mov\w+)|verminderte~kindsbewegungen|diminution~des~mouvements~(?:fœtaux|actifs)|disminución~de~movimientos~fetales""",
    "acute_psychosis": r"""
(?:acute\w*|florid\w*|first~episode|frank\w*)~(?:of~)?psycho\w+|hearing~voices|command~hallucinations?|voices~(?:telling|commanding|tell)|auditory~hallucinations|persecutory~delusions?|akute~psychose|stimmenhören|bouffée~délirante|brote~psicótico|oye~voces|postpartum~psychosis|puerperal~psychosis""",
    "severe_breathlessness": r"""
(?:severe\w*|acute\w*|sudden\w*|extreme\w*|very|marked)~(?:\w+~)?(?:breathless\w*|dyspno\w+|short(?:ness)?~of~breath|SOB|asthma)|(?:breathless|short~of~breath|dyspno\w+)~at~rest|(?:unable|cannot|can't|too~breathless)~(?:to~)?(?:complete|finish|speak|talk)(?:~in)?~?(?:full~|whole~)?(?:sentences?)?|life[- ]threatening~asthma|silent~chest|cyanos\w+|acute~pulmonary~o?edema|respiratory~(?:failure|distress)|gasping|work~of~breathing|subcostal~recession|intercostal~recession|grunting
ruhedyspnoe|akute~(?:dyspnoe|atemnot)|schwere~(?:dyspnoe|atemnot)|plötzlich\w*~(?:dyspnoe|atemnot)|zyanose|dyspnée~(?:de~repos|aiguë|brutale|au~repos)|détresse~respiratoire|disnea~(?:de~reposo|súbita|aguda|en~reposo)|dificultad~respiratoria~(?:aguda|grave)|cianosis""",
    "aortic_emergency": r"""
aortic~dissection|dissect(?:ion|ing)|(?:ruptured|leaking|symptomatic|tender)~(?:AAA|aortic~aneurysm|aneurysm)|tearing~(?:\w+~){0,2}(?:pain|chest|back|interscapular)|pulsatile~(?:and~tender~|tender~)?(?:abdominal~)?mass|aortendissektion|rupturiert\w*~aneurysma|dissection~aortique|disección~aórtica""",
    "diabetic_emergency": r"""
\bDKA\b|diabetic~ketoacidosis|ketoacidosis|ketones?~(?:of~)?(?:[3-9]|[12]\d|\+{2,})|blood~ketones|(?:BM|glucose|CBG|blood~sugar|sugar|BZ|glycémie|glucemia)~(?:was~|of~|is~|reads~)?(?:HI\b|[23]\d[.,]\d|[23]\d~mmol|[3-9]\d\d~?mg)|hyperosmolar|\bHHS\b|severe~hypoglyc\w+|polyuria[^.]{0,60}(?:vomit\w*|drowsy|weight~loss)|(?:thirst\w*|polyuria|passing~lots~of~urine|wetting~the~bed)[^.;]{0,80}(?:weight|tired|ketone\w*)
ketoazidose|blutzucker~[3-9]\d\d|acidocétose|acido-cétose|cétones|cetoacidosis|cetonuria""",
    "septic_arthritis": r"""
septic~(?:arthritis|joint)|hot[, ]+(?:red[, ]+)?(?:and~)?(?:swollen|red|tender)[\w, ]{0,20}(?:knee|joint|hip|ankle|wrist|elbow|shoulder)|(?:knee|joint|hip|ankle|wrist|elbow)~(?:is~|was~|has~become~|became~)?(?:\w+,?~){0,2}(?:hot|red)(?:,|~and)~[\w, ]{0,20}(?:swollen|red|hot|tender)|septische~arthritis|gelenkinfekt\w*|arthrite~septique|artritis~séptica|necroti[sz]ing~fasciitis|pain~out~of~proportion|orbital~cellulitis|proptosis""",
    "overdose_or_poisoning": r"""
overdos\w+|(?:took|taken|swallowed|ingested)~(?:\w+~){0,3}(?:\d+~)?(?:tablets|pills|paracetamol|bleach|whole~pack\w*)(?:~(?:in~one~go|at~once|last~night|this~morning|today))|poison\w+|button~battery|intoxikation|tablettenvergiftung|intoxication~médicamenteuse|surdosage|intoxicación~(?:medicamentosa|aguda)|sobredosis|carbon~monoxide""",
    "syncope": r"""
syncop\w+|(?:exertional~|recurrent~|unexplained~)?(?:blackouts?|black~outs?)|passed~out|passing~out|(?:fainted|faints|collapsed?)\b|synkope\w*|bewusstlosigkeit|ohnmacht|kollaps|malaise~avec~perte~de~connaissance|perte~de~connaissance|síncope|pérdida~de~(?:conocimiento|conciencia)""",
    "acute_kidney_injury": r"""
\bAKI\b~?(?:stage~)?[23]|potassium~(?:of~|was~|is~)?(?:6[.,]\d|7)|\bK\+?~(?:of~|was~|is~)?6[.,][3-9]|hyperkal\w+|acute~(?:kidney|renal)~(?:injury|failure)|akutes~nierenversagen|insuffisance~rénale~aiguë|fracaso~renal~agudo|hyperkaliémie|hiperpotasemia""",
    "raised_intracranial_pressure": r"""
papill?o?edema|(?:swollen|blurred)~(?:optic~)?(?:discs?|disc~margins)|headaches?[^.;]{0,80}(?:worse~(?:in~the~morning|on~(?:waking|lying|coughing|bending))|early~morning~vomiting)|morning~vomiting|stauungspapille|œdème~papillaire|papiledema""",
    "new_neurological_deficit": r"""
foot~drop|progressive~(?:limb~|leg~|arm~)?weakness|new~(?:onset~)?(?:diplopia|double~vision|ptosis)|third~nerve~palsy|bulbar|rapidly~progressive~\w+""",
    "conduction_or_rhythm": r"""
complete~heart~block|third[- ]degree~(?:AV~|heart~)?block|mobitz~(?:type~)?(?:II|2)|ventricular~tachycardia|\bVT\b~(?:run|on)|broad[- ]complex~tachycardia|torsades|totaler~av-block|av-block~(?:iii|3)|bloc~(?:auriculo-?ventriculaire~)?complet|BAV~(?:3|III)|bloqueo~(?:AV|auriculoventricular)~completo""",
    "fracture_emergency": r"""
(?:hip|neck~of~femur|femoral~neck|NOF|femur|open|compound)~fracture|fractured~(?:neck~of~femur|NOF|hip|femur)|(?:leg~)?(?:is~)?shortened~and~externally~rotated|dislocat(?:ed|ion)~(?:hip|elbow|knee|ankle|shoulder)|(?:cannot|unable~to|can't)~weight[- ]bear[^.;]{0,40}(?:hip|fall|fell)|schenkelhalsfraktur|fracture~du~col|fractura~de~cadera""",
    "critical_result": r"""
(?:potassium|K\+?|kalium|potasio)~(?:of~|was~|is~|=~?|:~?)?(?:6[.,]\d|7[.,]\d)|hyperkal\w+|(?:sodium|Na\+?|natrium)~(?:of~|was~|is~|=~?|:~?)?1[01]\d\b|(?:Hb|haemoglobin|hemoglobin)~(?:of~|was~|is~)?(?:[4-6]\d\b|[4-6][.,]\d)|INR~(?:of~|was~|is~|>~?)?(?:[89]|1\d)(?:[.,]\d)?\b|platelets?~(?:of~|was~|were~|count~)?(?:[1-9]|1\d)~?(?:x|\b)|(?:blasts|blast~cells)~on~(?:the~)?(?:blood~)?film|neutrophils?~(?:of~|were~|count~)?0[.,][0-4]|calcium~(?:of~|was~|is~)?3[.,]\d|troponin[^.;]{0,30}(?:raised|positive|elevated|rise|\d{3,})|CK~(?:of~|was~)?\d{5,}|lactate~(?:of~|was~)?[3-9]""",
    "child_alarm": r"""
(?:floppy|listless|lethargic|inconsolable|high[- ]pitched~cry|not~feeding|feeding~poorly|bulging~fontanelle)[^.;]{0,60}|(?:baby|infant|neonate|newborn|weeks?~old)[^.;]{0,60}(?:fever|jaundice\w*|not~feeding|vomiting~green|bilious|apnoea\w*|blue~episode)|projectile~vomit\w*|olive[- ]shaped~mass|bilious""",
    "spreading_infection": r"""
necroti[sz]ing|rapidly~spreading|pain~out~of~proportion|crepitus|orbital~cellulitis|periorbital~cellulitis|proptosis|mastoiditis|quinsy|peritonsillar~abscess|ludwig\w*|facial~swelling[^.;]{0,40}(?:swallow\w*|trismus|fever)|diabetic~foot[^.;]{0,60}(?:sepsis|cellulitis|osteomyelitis|wet|spreading|hot)|obstructed~(?:infected~)?kidney|pyonephrosis|spinal~abscess|discitis|epidural~abscess""",
    "sudden_hearing_loss": r"""
sudden\w*[^.;]{0,30}(?:hearing~loss|deaf\w*|loss~of~hearing)|(?:lost|loss~of)~(?:all~)?(?:the~)?hearing[^.;]{0,40}(?:sudden\w*|overnight|days?|yesterday)|hörsturz|surdité~brusque|sordera~(?:súbita|brusca)""",
    "urgent_condition": r"""
new[- ]onset~(?:type~1~)?diabetes|type~1~diabetes[^.;]{0,30}new|early~inflammatory~arthritis|synovitis|anti-?CCP|(?:rapidly|quickly)~(?:deteriorat\w+|progress\w+|worsening)|worsening~(?:renal~function|heart~failure|breathless\w*)|eGFR[^.;]{0,30}(?:fall\w*|drop\w*|from~\d+~to)|nephrotic~syndrome|heart~failure[^.;]{0,60}(?:worse\w*|oedema|decompens\w*|NYHA~(?:III|IV|3|4))|NYHA~(?:III|IV|3|4)|TIA|thyrotoxic\w*|myasthenia|postnatal~depression|anorexia~nervosa|BMI~(?:of~|is~)?1[0-5]\b|self[- ]harm\w*|wet~(?:age[- ]related~)?macular|distort\w+~(?:of~)?(?:central~)?vision|metamorphopsia|angina[^.;]{0,40}(?:increas\w+|worsen\w*|more~frequent|new)|optic~neuritis|foot~ulcer|AAA[^.;]{0,30}(?:5[.,][5-9]|[6-9][.,]\d)|aneurysm[^.;]{0,40}(?:5[.,][5-9]|[6-9][.,]\d|5[5-9]~?mm|[6-9]\d~?mm)|carotid~stenosis|active~(?:ulcerative~)?colitis|calprotectin[^.;]{0,14}\d{3,}|bloody~diarrh\w+|TB\b|tubercul\w+|lupus~nephritis|vasculitis""",
}
"""Findings without a code of their own; they count for the urgency only."""

_CANCER_TERMS = r"""
suspected~(?:\w+~){0,2}(?:cancer|malignan\w+|ca\b|carcinoma|neoplas\w+|tumou?r|melanoma|lymphoma|sarcoma|myeloma|leuka?emia)|(?:cancer|malignan\w+|carcinoma|neoplas\w+|melanoma|lymphoma|myeloma|tumou?r)~(?:is~|was~)?(?:suspected|suspicion)
\b2~?-?WW\b|two[- ]week~(?:wait|rule|referral)|2[- ]week~(?:wait|rule|referral)|\bUSC\b|\bUSCR?\b~(?:referral|pathway)|cancer~(?:pathway|referral)|fast[- ]track~(?:cancer|referral)|suspicion~of~(?:cancer|malignancy)
(?:exclude|rule~out|excluding|concern(?:ed)?~(?:about|for|regarding|re|that~this~(?:is|may~be))|worried~(?:about|this~(?:is|may~be))|suspicious~(?:of|for)|query|\?|\br/o|possible|probable|likely|fear|looks~like|in~keeping~with|consistent~with)~?(?:an?~|the~|underlying~|early~|new~|sinister~)?(?:\w+~){0,2}(?:cancer|malignan\w+|carcinoma|neoplas\w+|melanoma|lymphoma|sarcoma|myeloma|tumou?r|\bca\b|\bSCC\b|leuka?emia|mesothelioma|metasta\w+)
(?:highly~|clinically~|very~)?suspicious~(?:lesion|mass|lump|mole|nodule|looking|ulcer|area|of|for)|sinister~(?:pathology|cause|features?)
tumorverdacht|malignomverdacht|karzinomverdacht|melanomverdacht|(?:v\.?~?a\.?|verdacht~auf|dringender~verdacht~auf|ausschluss)~(?:\w+~){0,3}(?:\w*karzinom|\w*-?ca\b|\w*tumor|malignom|malignität|melanom|lymphom|neoplasie|metastase\w*)|malignitätsverdächtig\w*|neoplasieverdacht
(?:suspicion|suspect\w*|éliminer|exclure|évocat\w+|crainte|forte~suspicion)~(?:d['e]~?|un\w*~|une~|le~|la~)*(?:\w+~){0,2}(?:cancer|néoplasie|tumeur|carcinome|malignité|lymphome|mélanome|lésion~maligne|malin\w*)|lésion~suspecte|nodule~suspect|masse~suspecte
(?:sospecha|sospechos\w+|descartar|excluir|compatible~con)~(?:de~|una?~|proceso~)*(?:\w+~){0,2}(?:cáncer|malignidad|neoplasia|tumor|carcinoma|linfoma|melanoma|maligno|neoformativo)|lesión~sospechosa"""


_GAP = (
    r"(?:(?!\b(?:no|not|without|denies|denied|never|nor|kein\w*|ohne|pas|sans|sin|niega)\b)[^.;])"
)
"""Between the parts of a wording: no denial, or `cough, no blood` would be blood."""


def _compile(source: str, lay: str = "") -> re.Pattern[str]:
    source = (source + lay).replace("[^.;]", _GAP)
    joined = "|".join(line.strip() for line in source.strip().splitlines() if line.strip())
    joined = re.sub(r"\(\?<!([^)]*)\)", lambda m: m[0].replace("~", r"\s"), joined)
    joined = re.sub(
        r"(?:(?<=\\b)|(?<![\\\w-]))(LOW|PE|HI|AIT|SA|MI|APH|TEP|LAE|GEU|VH|USC|PRB)(?![\w-])",
        r"(?-i:\1)",
        joined,
    )
    # A decimal point ends no sentence.
    joined = joined.replace("[^.;]", r"(?:[^.;]|\.(?=\d))")
    joined = joined.replace("~?", r"\s*").replace("~", r"\s+").replace(" ", r"\s")
    return re.compile(rf"(?<!\w)(?:{joined})", re.IGNORECASE)


PATTERNS: dict[str, re.Pattern[str]] = {
    code: _compile(terms, LAY_TERMS.get(code, "")) for code, terms in _TERMS.items()
}
ALARMS = {
    code: _compile(_ALARM_TERMS.get(code, ""), LAY_ALARMS.get(code, ""))
    for code in (*_ALARM_TERMS, *(code for code in LAY_ALARMS if code not in _ALARM_TERMS))
}
CANCER = _compile(_CANCER_TERMS)
