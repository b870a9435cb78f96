"""Ordinary names for measuring false hits: common given names and surnames, combined by chance.

Nobody in particular is meant. Of all parts of the world alike, since names of some parts are near
to many listed ones and would be missing from a flattering sample.
"""

import random

_PARTS: dict[str, tuple[str, str]] = {
    "English": (
        "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara "
        "Richard Susan Joseph Jessica Thomas Sarah Charles Karen Daniel Nancy Matthew Lisa Emily",
        "Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Moore Jackson "
        "Martin Thompson White Harris Clark Lewis Walker Hall Young Wright Green Baker Carter "
        "Mitchell Turner Phillips Parker Edwards Collins Stewart Morris Cook Rogers Bell",
    ),
    "German": (
        "Lukas Anna Felix Lena Jonas Marie Paul Sophie Maximilian Laura Tobias Julia Stefan Katrin "
        "Andreas Sabine Markus Ute Jürgen Petra Wolfgang Heike Dieter Birgit Florian",
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch "
        "Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann "
        "Hartmann Lange Werner Krause Lehmann Köhler Maier Böhm Vogel Keller Frank Berger Roth",
    ),
    "Romance": (
        "Lucas Chloé Hugo Camille Louis Manon Giovanni Francesca Marco Giulia Luca Chiara "
        "Alessandro Martina João Ana Pedro Beatriz Tiago Inês Nicolas Élodie Mathieu Sylvie Andrei",
        "Dubois Moreau Laurent Lefebvre Bertrand Rousseau Fontaine Chevalier Rossi Russo Ferrari "
        "Bianchi Romano Colombo Ricci Marino Greco Conti Silva Santos Ferreira Pereira Oliveira "
        "Costa Rodrigues Martins Popescu Ionescu Dumitru Stan Gauthier Perrin Caruso Rinaldi "
        "Teixeira Carvalho",
    ),
    "Spanish": (
        "José María Juan Carmen Carlos Ana Luis Isabel Miguel Lucía Javier Marta Alejandro Elena "
        "Fernando Rosa Diego Paula Pablo Teresa Sergio Raquel Andrés Pilar Gabriel",
        "García Rodríguez Martínez Hernández López González Pérez Sánchez Ramírez Torres Flores "
        "Rivera Gómez Díaz Cruz Morales Ortiz Gutiérrez Chávez Ramos Ruiz Álvarez Mendoza Vásquez "
        "Castillo Jiménez Moreno Romero Herrera Medina Aguilar Vargas Castro Guzmán Rojas Navarro",
    ),
    "Russian": (
        "Ivan Olga Dmitry Elena Sergey Natalia Alexey Irina Andrey Tatiana Mikhail Svetlana "
        "Nikolay Ekaterina Pavel Anna Vladimir Maria Igor Yulia Maxim Ksenia Oleg Polina Roman",
        "Smirnov Kuznetsov Popov Sokolov Lebedev Kozlov Novikov Morozov Petrov Volkov Solovyov "
        "Vasiliev Zaitsev Pavlov Semyonov Golubev Vinogradov Bogdanov Vorobyov Fyodorov Belov "
        "Tarasov Komarov Orlov Kiselyov Makarov Kovalenko Shevchenko Bondarenko Tkachenko "
        "Melnyk Boyko Kravchenko Oliynyk Lysenko Savchenko",
    ),
    "Slavic": (
        "Jan Katarzyna Piotr Agnieszka Krzysztof Magdalena Tomáš Lenka Jakub Zuzana Marko Jelena "
        "Nikola Milica Luka Ivana Stefan Vesna Petar Mira Georgi Desislava Bogdan Oksana Filip",
        "Nowak Kowalski Wiśniewski Wójcik Kamiński Lewandowski Zieliński Szymański Woźniak "
        "Dąbrowski Novák Svoboda Novotný Dvořák Černý Procházka Kučera Veselý Horák Jovanović "
        "Petrović Nikolić Marković Đorđević Stojanović Ilić Horvat Babić Kovačević Novak Ivanov "
        "Dimitrov Georgiev Todorov Kolev Stoyanov",
    ),
    "Arabic": (
        "Ahmed Fatima Mohammed Aisha Omar Mariam Youssef Layla Khaled Nour Hassan Salma Ali Huda "
        "Karim Rania Tarek Dina Mahmoud Yasmin Samir Amal Walid Zainab Bilal",
        "Hassan Ibrahim Mansour Khalil Saleh Haddad Nasser Farouk Aziz Rahman Saeed Hamdan "
        "Suleiman Qasim Najjar Khoury Othman Darwish Shaheen Bakr Zaki Fahmy Ghanem Awad Barakat "
        "Jaber Hijazi Masri Rashid Sabbagh Tahir Younis Hakim Fayed Samara Jarrah",
    ),
    "Persian and Turkish": (
        "Reza Maryam Hossein Zahra Amir Sara Mehdi Narges Arash Shirin Mehmet Ayşe Mustafa Elif "
        "Emre Zeynep Murat Fatma Burak Selin Kerem Derya Babak Leila Cem",
        "Hosseini Ahmadi Mohammadi Karimi Moradi Rahimi Jafari Rezaei Mousavi Sadeghi Ebrahimi "
        "Kazemi Norouzi Hashemi Bagheri Yılmaz Kaya Demir Şahin Çelik Yıldız Aydın Öztürk Arslan "
        "Doğan Kılıç Aslan Çetin Kara Koç Kurt Özdemir Polat Erdoğan Güneş Korkmaz",
    ),
    "South Asian": (
        "Aarav Priya Rahul Anjali Vikram Sunita Arjun Deepa Rohan Kavita Imran Ayesha Bilal Sana "
        "Faisal Nadia Sanjay Meera Ravi Lakshmi Tariq Rubina Nikhil Pooja Kamal",
        "Sharma Patel Singh Kumar Gupta Reddy Iyer Nair Mehta Joshi Verma Rao Desai Chopra Kapoor "
        "Bose Banerjee Mukherjee Das Pillai Khan Ahmed Hussain Malik Chaudhry Sheikh Siddiqui "
        "Qureshi Butt Mirza Perera Fernando Silva Rahman Chowdhury Akhtar",
    ),
    "Chinese": (
        "Wei Fang Lei Na Jun Min Qiang Jing Yong Li Jie Xia Ming Juan Hao Ting Xiaoming Meiling "
        "Zhiwei Yuxuan Haoran Zihan Jianguo Shufen Guiying",
        "Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Gao Luo Zheng "
        "Liang Xie Song Tang Han Feng Deng Cao Peng Zeng Xiao Tian Dong Pan Yuan",
    ),
    "East Asian": (
        "Haruto Yui Ren Sakura Yuto Hina Kenji Akiko Takashi Naoko Minjun Seoyeon Jihoon Jiwoo "
        "Sungmin Hyejin Minh Lan Tuan Huong Nam Thao Somchai Malee Budi",
        "Sato Suzuki Takahashi Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Kato Kim Lee Park "
        "Choi Jung Kang Cho Yoon Jang Lim Nguyen Tran Le Pham Hoang Phan Vu Dang Bui Do Santoso "
        "Wijaya Hartono Saetang Chaiyasit Suwan",
    ),
    "African": (
        "Chinedu Ngozi Emeka Amaka Kwame Akua Kofi Ama Tunde Folake Thabo Lerato Sipho Nomvula "
        "Juma Wanjiru Otieno Achieng Abebe Tigist Mamadou Awa Jean Grace Patrice",
        "Okafor Okonkwo Eze Adeyemi Balogun Adebayo Mensah Owusu Boateng Asante Nkosi Dlamini "
        "Mokoena Ndlovu Khumalo Mwangi Kamau Otieno Odhiambo Kiplagat Tesfaye Bekele Haile Diallo "
        "Traoré Keita Ndiaye Sow Kabila Mukendi Ilunga Mutombo Banda Phiri Chanda Moyo",
    ),
}


def ordinary_names(count: int, *, seed: int) -> list[tuple[str, str]]:
    """Different names with the part of the world they are of; the same for the same seed."""
    every = [
        (part, f"{given} {surname}")
        for part, (givens, surnames) in _PARTS.items()
        for given in givens.split()
        for surname in surnames.split()
    ]
    assert count <= len(every), f"there are {len(every)} names"
    return random.Random(seed).sample(every, count)
