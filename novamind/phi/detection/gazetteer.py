"""Word lists, written for this project: common names, words that look like names, clinical words.

The names are well-known common ones of the English-speaking world, Scandinavia and the larger migrant groups; no list
was copied. They are a minority of all names: what stands in none of them is found by the words around it.
"""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GIVEN: Final = _words("""
aaron abigail adam adrian agnes ahmed aisha alan albert alejandro alex alexander alexandra alexis ali alice alicia
alison amanda amber amelia amina amir amy ana andrea andreas andrew angela anita ann anna anne annika anthony antonio
april arthur art ashley astrid audrey austin barbara beatrice benjamin ben bernard beth betty beverly bill billy bjorn
bob bonnie brandon brenda brian bridget bruce bryan carl carla carlos carmen carol caroline carolyn catherine charles
charlotte cheryl chloe chris christian christina christine christopher cindy claire clara clarence colin connor craig
crystal cynthia daisy daniel danielle david dawn deborah debra denise dennis derek diana diane diego dominic donald
donna dora doris dorothy douglas dylan edith eduardo edward eileen eirik elaine eleanor elena elisabeth elizabeth ella
ellen elsa emil emily emma eric erica erik erin ernest esther ethan eugene eva evan evelyn faith fatima felix fernando
fiona florence frances francis francisco frank fred frederick freya gabriel gail gary geoffrey george gerald geraldine
gloria grace graham greg gregory greta guillermo hanna hannah hans harold harriet harry hassan heather hector heidi
helen henrik henry hilda holly hope howard hugh hugo ian ibrahim ida ingrid irene iris isaac isabel isabella isla ivan
jack jacob jacqueline jake james jamie jan jane janet janice jasmine jason javier jean jeffrey jennifer jenny jeremy
jerry jesse jessica jill jim joan joanna joe joel johan johannes john johnny jon jonas jonathan jordan jorge jose
joseph joshua joy joyce juan juanita judith judy julia julian julie june justin kai kamal karen kari karin karl kate
katherine kathleen kathryn katie keith kelly kenneth kevin khalid kim kimberly kirsten knut kristen kristin kyle lars
laura lauren lawrence leah lee leila leo leon leonard leslie liam lillian linda lindsay lisa liv logan lois lorraine
louis louise lucas lucy luis luke lydia lynn madison magnus manuel marcus margaret maria marie marilyn mario marion
marit mark marta martha martin mary mason matthew maureen max maya megan mei melanie melissa mia michael michelle
miguel mike mila mildred mina miriam mohamed mohammed molly monica morten muhammad nadia nancy naomi natalie natasha
nathan neil nicholas nicole nigel nina noah nora norma norman olav ole olga oliver olivia omar oscar owen pablo pamela
patricia patrick paul paula pauline pedro peggy penelope per peter philip phillip phyllis priya rachel rafael raj
ralph ramon randy raymond rebecca ricardo richard rita robert roberta robin rodney roger ronald rosa rose rosemary roy
ruben russell ruth ryan sally sam samantha samuel sandra sara sarah scott sean sebastian selma sergio shannon sharon
sheila shirley sigrid silje simon sofia solveig sonia sophia sophie stanley stella stephanie stephen steve steven
stuart sue susan svein sven sylvia tamara tanya tara teresa terry theodore theresa thomas tiffany tim timothy tina
todd tom tommy tony tracy trevor tyler valerie vanessa vera veronica victor victoria vincent viola virginia vivian
walter wanda wayne wei wendy wilhelm will william willie yolanda yusuf yvonne zachary zoe
""")
SURNAMES: Final = _words("""
adams ahmed alexander allen alvarez andersen anderson andersson armstrong arnold bailey baker barnes bell bennett berg
black brooks brown bryant burns butler campbell carlson carter castillo chavez chen clark cole coleman collins cook
cooper cox crawford cruz dahl daniels davies davis diaz dixon edwards ellis eriksen evans ferguson fernandez fisher
fischer flores ford foster fox freeman garcia gibson gomez gonzalez gordon graham grant gray green griffin gupta
gutierrez hall halvorsen hamilton hansen hanson harris harrison hart hayes henderson henry hernandez hicks hill holmes
howard hughes hunt hunter hussain jackson jacobsen james jenkins jensen jimenez johansen johansson johnsen johnson
jones jordan kaur kelly kennedy khan kim king knight kowalski kumar larsen larson lee lewis li lin liu long lopez lund
marshall martin martinez mason mccarthy mcdonald meyer miller mills mitchell moen mohamed moore morales moreno morgan
morris muller murphy murray myers nelson nguyen nielsen nilsen novak obrien oconnor olsen olson ortiz owens palmer
parker patel patterson pedersen perez perry peters petersen peterson phillips pierce porter powell price quinn ramirez
ramos reed reyes reynolds rice richardson rivera roberts robertson robinson rodriguez rogers romero rose ross ruiz
russell ryan sanchez sanders santos schmidt schneider schultz scott shah shaw silva simmons simpson singh smith snyder
sorensen spencer stephens stevens stewart stone strand sullivan svensson tanaka taylor thomas thompson torres tran
tucker turner vargas wagner walker wallace wang ward warren washington watson weaver webb weber wells west white
williams williamson wilson wong wood woods wright wu yang young zhang
""")
#: Names that are words of the language too: a name only with a title, a relation or a surname beside them.
AMBIGUOUS: Final = _words("""
april art august bell berg black bill brooks brown carol cole cook crystal dawn faith ford fox frank freeman grace
grant gray green hall hart hill holly hope hunt hunter iris jan joy june kai king knight lee li lin long mark may
mason mills mina moen palmer per price rice rich rob rose scott stone strand sue tran violet viola ward weaver wells
west white will wood woods young
""")
ORDINARY_WORDS: Final = AMBIGUOUS | _words(
    "an so do no in on to ray pat drew chase max ace bay day love march early little best good sad stress day"
)
#: Clinical words, scales, drugs, eponyms, calendar and sentence openers, all of which are written with a capital.
NOT_A_NAME: Final = _words("""
a about abilify according acute additional adhd adherence admission admitted affect after afterwards again age
agitation alcohol all allergies allergy also although alzheimer alzheimers amitriptyline an and anhedonia another
antidepressant antipsychotic any anxiety anxious appearance appears appetite aripiprazole as asd asked asperger
assessment at atomoxetine attended attention attitude auditory autism average axis babinski baseline because beck been
before began behaviour behavior being benzodiazepine bipolar blood body both brief broca bupropion but by caffeine
calm can cannabis capacity carbamazepine care ceased changes chart chief citalopram client clinic clinical clinician
clonazepam clozapine clozaril cocaine cognition cognitive collateral columbia complaint compliance concerns
concentration conclusion consent considering consultation continue continued continues contact cooperative could crohn
current currently cushing daily date day days delusions dementia denied denies depakote depressed depression
depressive despite diagnoses diagnosis diagnostic diazepam did discharge discharged discussed disorder dose down
drinking drug drugs dsm due duloxetine during early eating education effects either elavil electroconvulsive emergency
english european evening every examination except excessive exercise eye fair family father feels few finally first
fluoxetine follow following for formulation friday from full functioning gad general generalized gp graves given good
grooming guilt had haldol hallucinations haloperidol hamilton has hashimoto have having he health hello her here high
his history home hospital how however huntington icd if impression improved improvement in increase increased initial
initially insight insomnia instead intact internet interview into is it its january february march april may june july
august september october november december judgment judgement just korsakoff labs lamictal lamotrigine last late later
left less let lewy lexapro likely lithium loss low lorazepam luvox madrs major mania manic many marfan maudsley
medical medication medications meds memory mental met methylphenidate mini mirtazapine moca moderate monday montgomery
montreal mood more morning most mother motor mse my neurological never new next night no none normal norwegian not
note notes nothing now nurse obsessive occasional of often olanzapine on once one only or orientation oriented other
our out outpatient over overall pain panic parkinson parkinsons paroxetine past patient patients paxil perhaps
personality phq physical plan please positive possible post posttraumatic pregabalin present presents prescribed
presentation previous prior procedure prognosis propranolol prozac psychiatric psychiatry psychological psychomotor
psychosis psychotherapy psychotic pt ptsd pupils quetiapine quick rapid rarely rating reason recent recently recommend
recommendations recurrent reduced referral referred regarding relapse remains remission remeron reports result results
resume return review risk risperdal risperidone ritalin room routine safety saturday scale schizoaffective
schizophrenia score scores screening self sertraline seroquel session several severe severity she shows side since
sister sleep sleeping sleeps so social some sometimes speech ssri started stable state status still stopped stress
strengths strong structured subjective objective substance suicidal suicide sunday symptom symptoms talk tearful
temperature the then therapist therapy there therefore these they this those though thought thoughts three thursday
thyroid time tired to today tobacco together tolerated tomorrow topiramate total tourette towards trauma treatment
trial trazodone tuesday twice two under unchanged unclear unemployed unit unremarkable until upon urine usual
valproate venlafaxine verbal very visit visual vital vitals wakes was we wechsler wednesday week weekly weeks weight
well wellbutrin went were wernicke what when where which while who why will wilson with within without work workup
would xanax yale year years yesterday yet york you your zoloft zyprexa zung brown compulsive child children
hopelessness inventory snaith pleasure pittsburgh epworth edinburgh postnatal global north south east west northern
team ward department ct mri ecg eeg ect cbt dbt ssris american british german french spanish swedish danish christmas
easter thanksgiving medicare medicaid zoom google apple samsung fitbit garmin actigraph activity actigraphy youtube
facebook instagram tramadol melatonin zopiclone zolpidem latuda vraylar escitalopram hydroxyzine gabapentin buspirone
naltrexone methadone buprenorphine modafinil vyvanse adderall concerta guanfacine clonidine prazosin lurasidone
ziprasidone paliperidone cariprazine asenapine perphenazine thank thanks regards sincerely yours dear best kind mild
asks dr mr mrs ms miss mx prof professor doctor
""")
NICKNAMES: Final[dict[str, tuple[str, ...]]] = {
    "william": ("bill", "billy", "will", "willie", "liam"), "robert": ("bob", "bobby", "rob", "robbie"),
    "richard": ("rick", "rich", "dick", "richie"), "elizabeth": ("liz", "beth", "betty", "lizzie", "eliza", "betsy"),
    "margaret": ("maggie", "meg", "peggy", "margie", "greta"), "katherine": ("kate", "katie", "kathy", "kat"),
    "catherine": ("cathy", "kate", "katie", "cat"), "james": ("jim", "jimmy", "jamie"),
    "john": ("johnny", "jack", "jon"),
    "michael": ("mike", "mikey", "mick"), "thomas": ("tom", "tommy"), "christopher": ("chris", "kit"),
    "daniel": ("dan", "danny"), "matthew": ("matt",), "anthony": ("tony",), "joseph": ("joe", "joey"),
    "edward": ("ed", "eddie", "ted", "ned"), "alexander": ("alex", "sasha", "xander", "sandy"),
    "samuel": ("sam", "sammy"),
    "jennifer": ("jen", "jenny"), "patricia": ("pat", "patty", "tricia"), "rebecca": ("becca", "becky"),
    "susan": ("sue", "susie"), "deborah": ("deb", "debbie"), "jessica": ("jess", "jessie"), "kimberly": ("kim",),
    "nicholas": ("nick", "nicky"), "benjamin": ("ben", "benny"), "steven": ("steve",), "stephen": ("steve",),
    "andrew": ("andy", "drew"), "david": ("dave", "davey"), "gregory": ("greg",), "timothy": ("tim", "timmy"),
    "victoria": ("vicky", "tori"), "alexandra": ("alex", "sandra", "sasha"), "abigail": ("abby", "gail"),
    "charles": ("charlie", "chuck"), "henry": ("harry", "hank"), "theodore": ("ted", "teddy", "theo"),
    "barbara": ("barb", "babs"), "dorothy": ("dot", "dottie"), "samantha": ("sam",), "amanda": ("mandy",),
    "frederick": ("fred", "freddie"), "lawrence": ("larry",), "ronald": ("ron",), "donald": ("don",),
}  # fmt: skip
NOT_A_PLACE: Final = NOT_A_NAME | _words("mr mrs ms dr bed care foster sheltered supported")
STATES: Final = frozenset(
    name.strip()
    for name in """alabama, alaska, arizona, arkansas, california, colorado, connecticut, delaware, florida, georgia,
    hawaii, idaho, illinois, indiana, iowa, kansas, kentucky, louisiana, maine, maryland, massachusetts, michigan,
    minnesota, mississippi, missouri, montana, nebraska, nevada, new hampshire, new jersey, new mexico, new york,
    north carolina, north dakota, ohio, oklahoma, oregon, pennsylvania, rhode island, south carolina, south dakota,
    tennessee, texas, utah, vermont, virginia, washington, west virginia, wisconsin, wyoming, norway, sweden, denmark,
    germany, france, spain, italy, poland, england, scotland, wales, ireland, canada, mexico, india, china, japan,
    syria,
    somalia, iraq, iran, pakistan, vietnam, europe, asia, africa, america""".split(",")
)
