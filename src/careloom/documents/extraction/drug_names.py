# ruff: noqa: E501, SIM905 - a pattern or word list on one line can be read and searched as one
"""Names of medicines: common generics in four languages' spelling, brands, and typical endings."""

from __future__ import annotations

import re

GENERICS = frozenset(
    """
abacavir abatacept acamprosate acarbose acenocoumarol acetaminophen acetazolamide aciclovir acyclovir
acitretin adalimumab adapalene albuterol alendronate alendronic alfacalcidol alfuzosin alirocumab
allopurinol almotriptan alogliptin alprazolam amiloride aminophylline amiodarone amisulpride
amitriptyline amlodipine amoxicillin amoxicilline anastrozole apixaban apremilast aripiprazole aspirin
atenolol atomoxetine atorvastatin azathioprine azelastine azilsartan azithromycin baclofen baricitinib
beclometasone beclomethasone bendroflumethiazide benazepril benserazide benzoyl betahistine
betamethasone betaxolol bezafibrate bicalutamide bimatoprost bisacodyl bisoprolol botulinum
brimonidine brinzolamide bromocriptine budesonide bumetanide buprenorphine bupropion buspirone
cabergoline calcipotriol calcitriol calcium canagliflozin candesartan captopril carbamazepine
carbidopa carbimazole carbocisteine carvedilol cefadroxil cefalexin cephalexin cefixime ceftriaxone
cefuroxime celecoxib cetirizine chlorambucil chloramphenicol chlordiazepoxide chlorhexidine
chlorpheniramine chlorphenamine chlorpromazine chlortalidone chlorthalidone cholecalciferol
colecalciferol ciclosporin cyclosporine cilazapril cilostazol cimetidine cinacalcet cinnarizine
ciprofloxacin citalopram clarithromycin clindamycin clobazam clobetasol clomifene clomipramine
clonazepam clonidine clopidogrel clotrimazole clozapine co-amoxiclav co-beneldopa co-careldopa
co-codamol co-dydramol co-trimoxazole cocodamol codeine colchicine colecalciferol colestyramine
cyanocobalamin cyclizine cyclophosphamide cyproterone dabigatran dalteparin dapagliflozin dapsone
darbepoetin darifenacin darunavir denosumab desloratadine desmopressin desogestrel desvenlafaxine
dexamethasone dexamfetamine diazepam diclofenac dicycloverine digoxin dihydrocodeine diltiazem
dipyridamole disulfiram docusate dolutegravir domperidone donepezil dorzolamide dosulepin doxazosin
doxycycline dronedarone drospirenone dulaglutide duloxetine dupilumab dutasteride edoxaban efavirenz
eletriptan emollient empagliflozin emtricitabine enalapril enoxaparin entacapone entecavir eplerenone
epoetin eprosartan ergocalciferol ertugliflozin erythromycin escitalopram esomeprazole estradiol
estriol etanercept ethambutol ethinylestradiol etonogestrel etoricoxib exemestane exenatide ezetimibe
famotidine febuxostat felodipine fenofibrate fentanyl ferrous ferric fesoterodine fexofenadine
finasteride flecainide flucloxacillin fluconazole fludrocortisone flunarizine fluoxetine flupentixol
fluticasone fluvastatin fluvoxamine folate folic formoterol fosfomycin fosinopril frovatriptan
furosemide frusemide gabapentin galantamine gemfibrozil glibenclamide gliclazide glimepiride glipizide
glyceryl glycopyrronium glyburide golimumab goserelin granisetron guanfacine haloperidol heparin
hydralazine hydrochlorothiazide hydrocortisone hydromorphone hydroxocobalamin hydroxycarbamide
hydroxychloroquine hydroxyzine hyoscine ibandronate ibandronic ibuprofen imipramine indapamide
indometacin indomethacin infliximab insulin insuline insulina interferon ipratropium irbesartan iron
isoniazid isosorbide isotretinoin ispaghula itraconazole ivabradine ivermectin ketoconazole ketoprofen
ketorolac labetalol lacosamide lactulose lamivudine lamotrigine lansoprazole latanoprost leflunomide
lercanidipine letrozole leuprorelin levetiracetam levocetirizine levodopa levofloxacin
levomepromazine levonorgestrel levothyroxine thyroxine lidocaine linaclotide linagliptin linezolid
liothyronine liraglutide lisdexamfetamine lisinopril lithium lixisenatide lofepramine loperamide
loratadine lorazepam losartan lurasidone lymecycline macrogol magnesium mebendazole mebeverine
medroxyprogesterone mefenamic melatonin meloxicam memantine mercaptopurine mesalazine mesalamine
metamizole metaraminol metformin methadone methenamine methimazole methocarbamol methotrexate
methylcobalamin methyldopa methylphenidate methylprednisolone metoclopramide metolazone metoprolol
metronidazole mianserin miconazole midazolam minocycline minoxidil mirabegron mirtazapine misoprostol
moclobemide modafinil mometasone montelukast morphine moxifloxacin moxonidine mycophenolate
nabumetone nadolol naloxone naltrexone naproxen naratriptan nebivolol nefopam nicorandil nicotine
nifedipine nitrazepam nitrofurantoin nitroglycerin norethisterone norethindrone nortriptyline nystatin
ofloxacin olanzapine olmesartan olodaterol omeprazole ondansetron orlistat orphenadrine oseltamivir
oxcarbazepine oxybutynin oxycodone oxytetracycline paliperidone pantoprazole paracetamol paroxetine
penicillin penicillamine pentoxifylline perampanel perindopril phenelzine phenobarbital phenytoin
phenoxymethylpenicillin pioglitazone piroxicam pizotifen pramipexole prasugrel pravastatin prazosin
prednisolone prednisone pregabalin primidone probenecid prochlorperazine procyclidine progesterone
promethazine propafenone propiverine propranolol propylthiouracil pyridostigmine pyridoxine quetiapine
quinapril quinine rabeprazole raloxifene ramipril ranitidine ranolazine rasagiline repaglinide
rifampicin rifaximin riluzole risankizumab risedronate risedronic risperidone ritonavir rituximab
rivaroxaban rivastigmine rizatriptan ropinirole rosuvastatin rotigotine sacubitril salbutamol
salmeterol saxagliptin secukinumab selegiline semaglutide senna sertraline sevelamer sildenafil
simethicone simvastatin sitagliptin sodium solifenacin sotalol spironolactone statin strontium
sucralfate sulfamethoxazole sulfasalazine sulphasalazine sulpiride sumatriptan tacrolimus tadalafil
tamoxifen tamsulosin tapentadol telmisartan temazepam tenofovir terazosin terbinafine terbutaline
teriparatide testosterone tetracycline theophylline thiamine thyroxine tiagabine ticagrelor
ticlopidine timolol tinzaparin tiotropium tirzepatide tizanidine tofacitinib tolterodine topiramate
torasemide torsemide tramadol trandolapril tranexamic travoprost trazodone tretinoin triamcinolone
triamterene trifluoperazine trihexyphenidyl trimethoprim trimipramine trospium umeclidinium
upadacitinib ursodeoxycholic ursodiol ustekinumab valaciclovir valacyclovir valproate valsartan
vancomycin vardenafil varenicline vedolizumab venlafaxine verapamil vericiguat vigabatrin vildagliptin
vilanterol vitamin vortioxetine warfarin xylometazoline zolmitriptan zolpidem zonisamide zopiclone
zuclopenthixol phenprocoumon nebivololo rupatadine bilastine teneligliptin voglibose gliclazid
metamizol novalgin novaminsulfon torasemid lercanidipin candesartan ass acetylsalicylsäure metoprolol
insulin levothyroxin thyroxin pantoprazol omeprazol esomeprazol simvastatin atorvastatin amlodipin
hydrochlorothiazid furosemid spironolacton tilidin paracetamol phenprocoumon prednisolon prednison
allopurinol tamsulosin mirtazapin citalopram sertralin amitriptylin opipramol duloxetin venlafaxin
quetiapin risperidon gabapentin pregabalin levetiracetam metformin sitagliptin empagliflozin
dapagliflozin estradiol dienogest clopidogrel ramipril bisoprolol tiotropium formoterol budesonid
beclometason salbutamol methotrexat folsäure colecalciferol cholecalciferol macrogol eisensulfat
desogestrel naproxène méthotrexate lévothyroxine périndopril oméprazole ésoméprazole lansoprazole
pantoprazole paracétamol ibuprofène amoxicilline kétoprofène diclofénac prégabaline gabapentine
bisoprolol amlodipine atorvastatine simvastatine rosuvastatine pravastatine metformine gliclazide
furosémide spironolactone indapamide irbésartan valsartan candésartan losartan énalapril lisinopril
apixaban rivaroxaban dabigatran warfarine fluindione acénocoumarol clopidogrel aspirine kardégic
escitalopram sertraline paroxétine venlafaxine duloxétine mirtazapine amitriptyline alprazolam
bromazépam oxazépam zopiclone zolpidem hydroxyzine tramadol codéine morphine oxycodone lévodopa
lamotrigine lévétiracétam valproate carbamazépine tamsulosine alfuzosine finastéride dutastéride
alendronate vitamine prednisone prednisolone cortisone colchicine allopurinol fébuxostat
hydroxychloroquine montélukast desloratadine cétirizine salbutamol budésonide formotérol fluticasone
tiotropium insuline éthinylestradiol lévonorgestrel désogestrel macrogol mésalazine azathioprine
simvastatina enalapril metamizol metformina omeprazol paracetamol ibuprofeno naproxeno diclofenaco
amoxicilina atorvastatina rosuvastatina pravastatina amlodipino losartán valsartán candesartán
irbesartán olmesartán ramipril lisinopril bisoprolol carvedilol atenolol nebivolol furosemida
torasemida hidroclorotiazida espironolactona acenocumarol warfarina apixabán rivaroxabán dabigatrán
clopidogrel aspirina adiro levotiroxina insulina sitagliptina empagliflozina dapagliflozina gliclazida
glimepirida alopurinol colchicina prednisona prednisolona dexametasona metilprednisolona metotrexato
sulfasalazina hidroxicloroquina azatioprina salbutamol budesonida formoterol tiotropio montelukast
sertralina fluoxetina paroxetina citalopram escitalopram venlafaxina duloxetina mirtazapina trazodona
lorazepam diazepam alprazolam clonazepam quetiapina olanzapina risperidona pregabalina gabapentina
levetiracetam lamotrigina carbamazepina valproato tamsulosina finasterida dutasterida solifenacina
tramadol morfina codeína pantoprazol lansoprazol esomeprazol ranitidina hierro ferroso fólico
ketorolaco bemiparina enoxaparina doxiciclina azitromicina ciprofloxacino tamoxifeno letrozol
anastrozol loratadina cetirizina ebastina alendronato calcio anticonceptivos isotretinoína
""".split()
)

GENERICS |= frozenset(
    """
abemaciclib alprostadil amantadine amphetamine anakinra apomorphine aprepitant ascorbic atropine aztreonam bendroflumethiazid bevacizumab
bosentan brexpiprazole brivaracetam canakinumab capecitabine carboplatin carbomer cariprazine cefaclor certolizumab chloroquine cisplatin clarithromycine
clotiapine colesevelam cortisone cyanocobalamine dabrafenib dexlansoprazole dienogest dimethyl dihydroergotamine docetaxel droperidol
dydrogesterone eltrombopag erenumab fremanezumab galcanezumab eslicarbazepine ethosuximide etoposide everolimus evolocumab fidaxomicin
fingolimod flavoxate fluorouracil flutamide fulvestrant glatiramer glucosamine hypromellose ibrutinib idarucizumab imatinib
inclisiran ketotifen lanthanum lapatinib lenalidomide levobunolol loprazolam lormetazepam macitentan melperone
methylnaltrexone mexiletine milnacipran naloxegol natalizumab nintedanib nivolumab ocrelizumab omalizumab
oxymetazoline palbociclib pembrolizumab pimozide pirfenidone pramipexol prucalopride pseudoephedrine quinagolide
reboxetine ribociclib roflumilast rufinamide safinamide sarilumab siponimod sirolimus sulfadiazine sunitinib tamoxifène
tegafur teriflunomide tetrabenazine thalidomide thiamazole tocilizumab trastuzumab trimetazidine tolvaptan ulipristal
valerian valganciclovir vortioxetin xipamide ziprasidone zoledronic pancreatin creon lactase simeticone
loratadin cetirizin metamizol thiamazol carvedilol bisoprololfumarat moxonidin nitrendipin lercanidipin doxazosin
rivastigmin donepezil memantin trospium solifenacin mirabegron finasterid dutasterid zopiclon zolpidem melperon pipamperon
lorazepam oxazepam bromazepam trazodon doxepin trimipramin escitalopram fluoxetin paroxetin bupropion lithium
methylphenidat atomoxetin levodopa pramipexol ropinirol rasagilin valproat lamotrigin carbamazepin lacosamid topiramat
sumatriptan rizatriptan naproxen diclofenac etoricoxib celecoxib tramadol oxycodon fentanyl buprenorphin hydromorphon
dexamethason hydrocortison methylprednisolon azathioprin leflunomid hydroxychloroquin sulfasalazin
phénobarbital rispéridone quétiapine olanzapine halopéridol clonazépam diazépam lorazépam prazépam méthylphénidate
bétahistine dompéridone métoclopramide lopéramide lactulose trimébutine phloroglucinol pancréatine rabéprazole
céfixime ceftriaxone azithromycine clarithromycine doxycycline ciprofloxacine lévofloxacine nitrofurantoïne fosfomycine
hydrochlorothiazide nébivolol aténolol propranolol sotalol amiodarone digoxine vérapamil diltiazem nifédipine lercanidipine
nicardipine trinitrine molsidomine ivabradine ézétimibe fénofibrate sitagliptine vildagliptine empagliflozine dapagliflozine
liraglutide sémaglutide glimépiride répaglinide acarbose carbimazole cabergoline
hidroxizina amitriptilina nortriptilina bromazepam zolpidem levodopa carbidopa rasagilina donepezilo memantina rivastigmina
digoxina diltiazem verapamilo amiodarona flecainida ivabradina ezetimiba fenofibrato vildagliptina linagliptina liraglutida
semaglutida repaglinida insulina hidroclorotiazida clortalidona indapamida doxazosina nifedipino lercanidipino barnidipino
metoclopramida domperidona loperamida famotidina sucralfato mesalazina lactulosa macrogol ciprofloxacina
nitroglicerina isosorbida acetilsalicílico dexketoprofeno celecoxib etoricoxib codeina oxicodona fentanilo
""".split()
)

BRANDS = frozenset(
    """
utrogestan microgynon rigevidon cerazette marvelon yasmin cilest noriday femodene qlaira evorel
elleste kliovance premarin vagifem nexplanon mirena jaydess depo-provera provera zoladex prostap
ventolin seretide symbicort fostair relvar trelegy trimbow spiriva clenil qvar flixotide bricanyl
anoro ultibro duaklir spiolto atrovent eklira braltus luforbec duoresp advair
lantus humalog novorapid novomix levemir tresiba toujeo abasaglar humulin insulatard actrapid
ozempic wegovy mounjaro trulicity victoza saxenda byetta rybelsus jardiance forxiga invokana januvia
eliquis xarelto pradaxa lixiana marcumar falithrom coumadin plavix brilique efient lipitor crestor
zocor ezetrol inegy repatha praluent entresto lasix bumex aldactone concor norvasc zestril coversyl
nurofen voltaren voltarol naprosyn arcoxia tylenol panadol calpol doliprane dafalgan efferalgan
novalgin nolotil enantyum solpadol zapain zomorph oramorph mst oxycontin longtec palexia butec
butrans targinact tramal zydol ultram lyrica neurontin tegretol epilim depakote lamictal keppra topamax
madopar sinemet stalevo azilect requip mirapexin aricept ebixa reminyl prozac zoloft seroxat cipralex
lexapro cymbalta effexor seroquel zyprexa risperdal abilify clozaril priadel camcolit concerta
ritalin strattera elvanse xanax valium ativan nexium losec zoton gaviscon movicol laxido fybogel
buscopan colofac imodium pentasa asacol octasa salofalk humira enbrel remicade stelara cosentyx simponi
methoject plaquenil imuran fosamax actonel prolia adcal calcichew fultium thorens desunin flomax
avodart proscar vesicare betmiga ditropan cialis viagra xalatan xalacom cosopt azopt alphagan lumigan
eltroxin l-thyroxin euthyrox thyrosyn neomercazole nuvelle tibolone livial accutane roaccutane
dovobet dovonex elocon betnovate dermovate eumovate fucidin protopic elidel zineryt duac differin
epiduo clarityn zirtek piriton telfast avamys nasonex flixonase dymista singulair epipen jext
levothyroxin novaminsulfon berodual viani foradil decortin arcoxia dulcolax kardegic levothyrox
spasfon lexomil stilnox imovane adiro sintrom emconcor
""".split()
)

BRANDS |= frozenset(
    """
cetraben diprobase e45 hydromol oilatum zerobase aveeno dermol epaderm doublebase sevredol matrifen peptac dioralyte infacol abidec dalivit
fortisip neocate nutramigen kyleena slynd evra levest ovranette loestrin gedarel lucette rybelsus somac endep efexor avanza targin endone mobic
karvea micardis diabex diamicron janumet caduet coversyl panamax glucophage synthroid toprol coreg flonase claritin benadryl prilosec
protonix pepcid wellbutrin adderall ambien klonopin advil motrin aleve zyrtec allegra plaquenil ecosprin telma glycomet pantop thyronorm
shelcal zerodol amlong stamlo atorva rosuvas clopilet deplatt dolo crocin augmentin montair foracort duolin budecort cilacar nexito jalra
galvus istamet glimisave amaryl gluconorm neurobion becosules evion limcee calcirol uprise torem delix beloc beloc-zok iscover pantozol
simvahexal sortis thyronajod jodid siofor ibuflam ibuhexal valoron katadolon trevilor opipram tavor berotec valette maxim belara dekristol
vigantol tamsublock omnic prostagutt colchicum quensyl lasilix cardensiel coaprovel aprovel amlor tahor inexium mopral inipomp stagid
dafalgan ixprim topalgic lamaline acupan profénid voltarène seresta lysanxia temesta seroplex deroxat laroxyl dépakine ventoline xyzall
aerius previscan coumadine uvédose tardyferon forlax smecta optilova leeloo orfidal lexatin trankimazin eutirox seguril dianben
hidroferol ferogradumet dalsy apiretal
""".split()
)
GENERICS |= frozenset(
    "hydroxyurea potassium zinc levocarnitine mesalamin salbutamolo cannabidiol multivitamins multivitamin probiotics paraffin b12 mycophenolat "
    "ibandronat risedronat candesartancilexetil hct isosorbiddinitrat dihydralazin urapidil torsemid bisoprololo perindopril/indapamide "
    "levothyroxin-natrium natriumpicosulfat ursodeoxycholsäure mesalazin infliximab phenazopyridine methenamin pivmecillinam cefpodoxime "
    "cefdinir sulfamethoxazol cotrimoxazol amoxiclav clavulanic roxithromycin".split()
)
GENERICS |= frozenset(
    """
abrocitinib acalabrutinib aceclofenac aceclofenaco acetylcystein acetylcysteine aclidinium acébutolol acétazolamide acétylcystéine aflibercept
agomelatin agomelatina agomelatine albendazole alectinib alemtuzumab alendronat alendronique alendronsäure alitretinoin amantadin ambrisentan ambroxol
amifampridine aminosalicylate amiodaron amisulprid amoxapine amphotericin ampicillin anagrelide anidulafungin apalutamide argatroban aripiprazol
artemether asenapine atezolizumab atogepant avanafil axitinib azacitidine bazedoxifene beclometasona bempedoic bempedoinsäure benorilate benralizumab
benserazid benzatropine benzbromaron benztropine benzydamine betahistin betahistina betametasona bexarotene bezafibrato bimekizumab biperiden
biperideno bortezomib brigatinib brodalumab bumetanid buprenorfina bupropión burosumab butilhioscina bétaméthasone cabozantinib calamine calcifediol
calcitonin carbenoxolone carbetocin carbetocine carbimazol carbocistéine carfilzomib cefazolin cefepime cefotaxime cefradine ceftazidime cefuroxim
cenobamate ceritinib certoparin cetuximab chlormadinone chlorprothixen chlortalidon chlortenoxicam chlorzoxazone cholécalciférol ciclesonide
ciclosporina ciclosporine cidofovir cinitaprida cinnarizin ciprofibrato clidinium clodronate clofazimine clomipramin clonidin clorazepato clotrimazol
clozapin cobicistat codein colchicin cortison crisaborole crizotinib cyamémazine cyclobenzaprine cyproteron cysteamine céliprolol célécoxib
dacarbazine dantrolene daratumumab daridorexant dasatinib deferasirox deferiprone deferoxamine degarelix desloratadina desvenlafaxina dexamphetamine
dexaméthasone dexibuprofen dexmethylphenidate dextroamphetamine dextromethorphan dicyclomine diethylcarbamazine difelikefalin diflunisal digitoxin
dimenhydrinat dimenhydrinate diosmina diosmine diphenhydramine diphenoxylate dipivefrin dipyrone dithranol diénogest domperidon donépézil doravirine
doxycyclin doxylamin doxylamine dronedaron drospirenona dulaglutid dulaglutida durvalumab dénosumab edaravone elagolix elexacaftor emedastine
encorafenib entacapon entrectinib enzalutamide epinastine epinephrine eplerenon eplerenona erdafitinib ergotamine eribulin erlotinib ertapenem
esketamine eslicarbazepina estrogen estrogens eszopiclone etilefrin etinilestradiol etodolac etravirine exenatid ezetimib famotidin fenitoina
fenitoína fenofibrat fenspiride fesoterodina fezolinetant filgotinib filgrastim finerenon finerenone flecainid fludrocortison fludrocortisona
flunarizin fluocinolone fluocinonide fluorometholone flupirtin flurazepam flurbiprofen fluticason fluticasona fondaparinux foscarnet galantamin
galantamina gefitinib gemfibrozilo gentamicin ginkgo glibenclamid glibenclamida glicopirronio glimepirid gliquidone guaifenesin guselkumab halobetasol
hidrocortisona hidromorfona hioscina hydrocodone hydroquinone hydroxyprogesterone hydroxyzin héparine ibandronato ibandronsäure ibuprofenlysinat
icatibant icosapent idelalisib iloprost imipramin imiquimod indacaterol indapamid indometacina ipratropio isosorbidmononitrat isradipine ivabradin
ivacaftor ixekizumab lacosamida lanreotide lebrikizumab ledipasvir lefamulin leflunomida lemborexant lenvatinib levocetirizina levomefolate
levomepromazin levomilnacipran levosimendan lidocain liraglutid lithiumcarbonat litio lodoxamide lofexidine lomitapide loperamid lorlatinib
loteprednol loxapine lubiprostone lumateperone léflunomide lévocétirizine mavacamten meclizine mefloquine meperidine mepolizumab meprobamate mesna
mesterolone metamizolnatrium metaxalone methoxsalen methylergometrine metimazol metipranolol metoclopramid metyrapone mianserina micafungin
micofenolato midodrine mifepristone mirabégron mirikizumab mitotane moclobemid molnupiravir mometason morphin mupirocin mycophénolate mébévérine
mémantine méthocarbamol méthylprednisolone métoprolol nadroparin naftidrofuryl nalmefene naloxon nateglinide nedocromil neostigmine niacin nicergoline
nilotinib nimodipine niraparib nisoldipine nitazoxanide nizatidine nomégestrol norgestimate norgestrel nortriptylin néfopam obinutuzumab octreotide
oestradiol oestriol oestrogen olanzapin olaparib olopatadine ondansétron opicapone osilodrostat osimertinib oxandrolone oxaprozin oxcarbazepin
oxcarbazepina oxibutinina oxomémazine oxprenolol oxybutynine ozanimod paliperidona pancrelipase papaveretum patiromer pazopanib pegfilgrastim
peginterferon pentaerythrityltetranitrat pentazocine pentosan pentoxifilina permethrin perphenazine pethidine phenoxybenzamine phentermine
phenylephrine pholcodine phytomenadione picosulfate pilocarpine pimecrolimus pinaverio pinavérium pindolol piribedil piritramid pitavastatin
pitolisant ponesimod posaconazole pramocaine praziquantel primaquine primidon progesteron progesterona progestérone proguanil promazine promethazin
propafenon propantheline propiomazine prulifloxacin psyllium pyrazinamide pyrimethamine quinidine racécadotril raloxifen raloxifeno raltegravir
ramelteon ranitidin ranolazin reboxetin regorafenib relugolix repaglinid ribavirin rifabutin rifampin rilménidine rimegepant riociguat risedronato
risedronsäure risédronate romosozumab rosiglitazone rupatadina ruxolitinib sacubitrilo salazopyrin selexipag semaglutid setmelanotide sildenafilo
silodosin silodosina silodosine simethicon sofosbuvir solifénacine somatropin sorafenib stiripentol sulfacetamide sulindac sulpirid sulpirida
suvorexant tadalafilo tafamidis tafluprost talazoparib tapinarof tazarotene tazobactam telmisartán temozolomide tenoxicam teofilina teriparatid
terlipressin testosteron tezepelumab theophyllin thiamin thiocolchicoside thioridazine tiamazol tianeptin tianeptine tiaprida tiapride tiaprofenic
tibolon tildrakizumab tiludronate tinzaparine tirzepatid tizanidin tolbutamide tolcapone tolmetin topiramato toremifene tralokinumab trametinib
treprostinil triazolam trifarotene trihexyphénidyle trimetazidina tripotassium tropatépine tropicamide ubrogepant umeclidinio ursodésoxycholique
valbenazine vandetanib vemurafenib venetoclax vibegron vismodegib voriconazole vortioxetina xylitol yohimbine zafirlukast zaleplon zanamivir
zanubrutinib ziconotide zileuton zofénopril zoledronsäure zonisamid zonisamida ébastine énoxaparine étoricoxib
""".split()
)
BRANDS |= frozenset(
    """
abstral accolate accupril aciphex aclasta actemra actigall activelle acular adalat adenuric adlyxin adolonta adtralza advagraf aggrenox agopton
aimovig airomir airtal ajovy akineton aklief aldactazide aldara almax altace amitiza amlobeta anadin anafranil androgel angeliq antra apidra apo-go
apocard apresoline apriso aptiom aranesp arava arimidex arixtra arnuity aromasin arthrotec asasantin asmanex atacand atarax atectura atosil atripla
aubagio avalide avandia avapro avidart avomine avonex axura azarga azulfidine beconase belsomra benicar benlysta bentyl beovu betaferon betagan
betapace betaserc bifiteral biktarvy bilaxten bisobeta bisohexal bisolvon blopress boniva bonviva breo brintellix briviact buccolam budenofalk buspar
buvidal bydureon bystolic cafergot cafinitrina canesten capoten carafate cardura cardyl casodex catapres caverject celebrex celexa cellcept celluvisc
cibinqo cimzia cipramil circadin clexane climara clomid clopixol codiovan colazal colchimax colestid colpermin combigan combivent combodart comtan
comtess contrave copaxone corangin cordarone corlanor coropres corotop cortef cortiment cosmocol cozaar crinone cuprofen curatoderm cyclogest cynt
cytomel dacortin daktacort dalacin dantrium daylette dayvigo ddavp decapeptyl deflazacort delmosart deltasone delzicol demadex depakine depixol deprax
descovy desmotabs desyrel detrol detrusitol dexilant dianette diclac diclomax didronel dilantin dilaudid dilutol diovan dipentum dipiperon diprosalic
disprin divigel dobupal dogmatil dolormin dostinex dovato dulera duodart duodopa duoneb duotrav duphalac dupixent duragesic durogesic dyazide ebastel
ebglyss ebrantil edarbi efracea efudix elavil ellaone elmiron eloine elontril emgality emportal emsam emselex enablex enahexal enerzair enstilar
entocort entyvio epanutin epidyolex eprex equasym ergenyl erleada esertia eskalith esmya espranor estraderm estradot eucrisa evenity eviplera evista
exelon exforge exorex eylea fampyra fasenra faslodex feldene femara femoston feospan feramax ferinject fersamal fiasp finacea fioricet firmagon
flexeril florinef fluimucil flutiform focalin forsteo fortasec forteo fosrenol fragmin fraxiparin frisium fucibet furobeta fycompa gabitril galfer
ganfort gelocatil genotropin genvoya geodon gilenya glivec glucotrol glyxambi godamed haldol herceptin hibor hiprex hydrea hydrocortone hygroton
hylo-forte hytrin hyzaar iberogast ibrance ikervis ilaris imdur imigran imitrex imnovid imvaggis incruse inderal inflamac innohep innovace insidon
inspra intrarosa intuniv invega iopidine isentress isoket isordil istin jakavi jalyn jentadueto juluca jurnista jylamvo kadian kaletra kapake kentera
kerendia kesimpta keytruda kineret kisqali komboglyze kreon kyntheum lamisil lanoxin largactil latuda laxoberal lenzetto leqvio lescol levitra
levonelle levoxyl levsin lialda lidoderm linzess lioresal lithobid livalo lodine logynon lokelma loniten lopid lotensin lotrel lovenox lovima lucentis
lunesta mabthera macrobid macrodantin maltofer manidon marcoumar masdil mavenclad maxalt maxidex maxolon maxzide medikinet medrol mercilon
mestinon metobeta metohexal metoject metrogel mevacor mezavant migraleve mimpara mircera mirvaso modecate mono-embolex monofer monopost motegrity
motilium movantik mucosolvan multaq musaril mutaflor myfortic myrbetriq mysoline namenda naramig nardil natecal nebido neoral neorecormon nesina
neupro nexletol niaspan nitro-dur nitrolingual nitrostat nizoral noctamid noqdirna norditropin norvas novolin novolog novonorm novothyral nucala
nucynta nurtec nutrizym nuvaring nuvigil ocaliva ocrevus oestrogel olmetec olumiant onbrez one-alpha ongentys onglyza ontozry opatanol opdivo opzelura
oracea orencia orfiril orilissa ortoton osphena otezla ovestin oxytrol pacerone palladon pamelor pantecta pantoloc paracetamol-ratiopharm pariet
parlodel parnate paspertin paxlovid pentalong percocet perenterol persantin phenergan phosex phyllocontin pirinase piriteze pk-merz plantaben
plenadren plendil pletal polaramine polytar ponstan prandin pravachol pred-forte prempak prevacid prezista primolut primperan prinivil pristiq proair
procoralan prograf prometax prothyrid provigil pulmicort qsymia questran quilonum qulipta qutenza quviviq ramilich ranexa rapaflo rapamune rasilez
rebif reglan regurin relifex relistor relpax remedeine remergil remeron renagel renitec renitecmax rennie renvela restasis restex restoril revlimid
rexer rexulti reyataz rilast rilutek rinvoq rivotril roactemra robaxin rocaltrol rozex ryeqo rythmol rytmonorm sabril saflutan salamol sandimmun
sandostatin sandrena saphnelo saroten sativex savaysa seebri seloken semglee senokot senshio serevent seropram sevikar shortec sibelium sifrol silkis
simbrinza simvabeta sinequan sirdalud skelaxin skinoren skyrizi solaraze solian soliqua solpadeine somatuline soolantra sotyktu spatone spedra stangyl
starlix steglatro stelazine stemetil strepsils stugeron suboxone subutex sudafed suliqua sumial sustanon sutril symmetrel symtuza synarel syndol
synjardy systane tagrisso taltz tambocor tamiflu tapazole taptiqom tasmar tebonin tecfidera tegretal temgesic tenormin terbasmin termalgin testogel
tetralysal teveten tezspire thealoz thyrax timodine timoptol tirodril tivicay tofranil torasemid-ratiopharm tostran toviaz tradjenta trajenta tramagit
trangorex tranxilium travatan treclin tremfya tricor trileptal trimovate trintellix tritace triumeq trixeo tromalyt trusopt truvada truxal truxima
tudorza tylex tysabri ubrelvy uceris ulcotenal uniphyllin unithroid urbason urolosin uroxatral ursofalk utovlan vabysmo valdoxan valoid valoron-n
vandral vascepa vasotec velcade velphoro veltassa venofer veoza veozah vernies verquvo versatis verzenios viberzi vicodin viibryd vimovo vimpat
viscotears vistaril vitaros vivelle vocado vraylar vydura vytorin vyvanse xadago xailin xatral xcopri xeljanz xeloda xeristar xifaxan xigduo
xiidra ximovan xolair xopenex xtandi xultophy xyrem yaz zaldiar zamene zanaflex zantac zaroxolyn zebeta zebinix zepbound zeposia zestoretic zetia ziac
zispin zoely zofran zomig zonegran zopiclodura zyloric zytiga
""".split()
)

_ENDING = re.compile(
    r"^[a-zà-ÿ-]{2,}(?:prazol[e]?|sartan|sartán|statin[ae]?|olol|pril|dipin[eo]?|gliptin[ae]?|gliflozin[ae]?|glutide|glutida|xaban|xabán|"
    r"cillin[ea]?|cilina|mycin|micina|floxacin[o]?|cyclin[ea]?|ciclina|triptan|tidine|setron|zepam|zolam|"
    r"barbital|oxetin[ae]?|azepine|parin[ae]?|mab|tinib|ciclib|lukast|terol|dronate|dronat|dronato|fibrate|fibrato|thiazide|"
    r"semid[ea]?|azosin[ae]?|conazol[e]?|vudine|ciclovir|navir|caine|profen[eo]?|coxib|predniso\w+|trexat[eo]?|"
    r"glitazon[ae]?|glinide|gepant|parib|zomib|limus|tinib|orexant|caftor|vaptan|poetin|fenac[o]?|nidazole?|triptyline?|triptilina|fylline?|azepin|[ai]sartan|cinolone|gestrel|estrel|steride|sterida|thyroxin[e]?|tropium|tropio|penem|oxicam|apine|apina|peridon[ea]?|spirone)$"
)
_NOT_DRUGS = frozenset(
    "vitamin calcium iron sodium statin emollient magnesium insulin ass folate nicotine ferric ferrous "
    "folic tranexamic isosorbide glyceryl mefenamic botulinum vitamine hierro calcio benzoyl ascorbic dimethyl zoledronic".split()
)
"""Names that are half a name; DRUG takes the word that belongs to them."""
PAIRS = (
    r"tranexamic acid|folic acid|mefenamic acid|alendronic acid|risedronic acid|ibandronic acid|"
    r"zoledronic acid|ursodeoxycholic acid|valproic acid|fusidic acid|azelaic acid|ascorbic acid|acetylsalicylic acid|"
    r"ferrous (?:fumarate|sulphate|sulfate|gluconate)|ferric maltol|isosorbide (?:mononitrate|dinitrate)|glyceryl trinitrate|"
    r"glycerin trinitrate|sodium (?:valproate|bicarbonate|docusate|alginate)|calcium carbonate|benzoyl peroxide|botulinum toxin|"
    r"vitamin (?:D3?|B12|B|C|K)|vitamine (?:D|B12|C)|vitamina (?:D|B12)|hyoscine butylbromide|lithium carbonate|insulin (?:glargine|aspart|lispro|detemir|degludec|isophane|glulisine)|insulina (?:glargina|aspart|lispro|detemir|degludec)|"
    r"insuline (?:glargine|aspart|lispro|détémir)|magnesium \w+ate|acide (?:folique|valproïque|alendronique|tranexamique)|ácido (?:fólico|acetilsalicílico|alendrónico|valproico)|"
    r"sulfato ferroso|levodopa[/ -](?:carbidopa|benserazide?)|co-[a-z]{5,}|combined (?:pill|oral contraceptive(?: pill)?)|"
    r"nicotine (?:patch(?:es)?|gum)|omega-?3|cod liver oil|peppermint oil|st john'?s wort|"
    r"olodaterol/tiotropium|beclometasone/formoterol|fluticasone/salmeterol|budesonide/formoterol|sacubitril/valsartan"
)
FORMS = r"(?:topical|inhaled|nasal|oral|vaginal|intranasal)"
_WORD = r"[A-Za-zÀ-ÿ][A-Za-zÀ-ÿ-]{2,}"
_TOKEN = re.compile(
    rf"(?<![\w-])(?:(?P<pair>{PAIRS})|(?P<abbreviation>(?-i:GTN|HRT|COCP|OCP|POP|ISMN|HCTZ|HCT|MTX|AZA|ASS|ASA|AAS|BPO|MST|PPI))|(?P<word>{_WORD}))(?![\w])",
    re.I,
)


def is_drug(word: str) -> bool:
    """A name of the lists, or a word with the ending of a substance class."""
    lower = word.lower()
    if lower in GENERICS or lower in BRANDS:
        return True
    return bool(len(lower) > 6 and _ENDING.match(lower)) and lower not in _FALSE_ENDINGS


_FALSE_ENDINGS = frozenset(
    "april control protocol cholesterol alcohol apnoea petrol aerosol patrol haemoglobin "
    "inpatient oxygen profen estrel patroli".split()
)


def find_drugs(text: str) -> list[tuple[str, int, int]]:
    """(name as printed, start, end) of every drug name, in order."""
    found = []
    for match in _TOKEN.finditer(text):
        name = match[0]
        if match["word"] and (
            name.lower() in _NOT_DRUGS - {"insulin", "magnesium", "calcium", "iron"}
            or not is_drug(name)
        ):
            continue
        found.append((name, match.start(), match.end()))
    return found
